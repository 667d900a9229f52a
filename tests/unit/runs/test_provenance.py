"""What a run writes down about itself."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import m5kit
from m5kit import plugins
from m5kit.config import load_config
from m5kit.data.sources.manifest import ManifestItems
from m5kit.errors import CheckpointError
from m5kit.plugins.data_files import data_digest
from m5kit.runs.provenance import collect, config_hash, git_state, plugins_in_use, require_plugins


def config(folder: Path, text: str = "seed: 5\n") -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_run_can_be_traced(tmp_path: Path) -> None:
    (tmp_path / "annotations.jsonl").write_text('{"id": "a"}\n\n{"id": "b"}\n')
    found = collect(load_config(config(tmp_path)), ManifestItems(root=tmp_path).fingerprint())
    assert json.loads(json.dumps(found)) == found
    assert found["seed"] == 5
    assert found["config"]["name"] == "mine"
    assert found["m5kit"]["version"] == m5kit.__version__
    assert found["data"] == {
        "manifest": "annotations.jsonl",
        "sha256": hashlib.sha256(b'{"id": "a"}\n\n{"id": "b"}\n').hexdigest(),
        "items": 2,
    }
    assert {"torch", "numpy", "mmengine"} <= found["libraries"].keys()
    assert found["started"].endswith("+00:00")


def test_the_hash_is_of_values_not_of_how_they_were_written(tmp_path: Path) -> None:
    one = load_config(config(tmp_path, "seed: 5\ndata: {workers: 0, dropout: 0.5}\n"))
    same = load_config(config(tmp_path, "data:\n  dropout: 5e-1\n"), ["seed=5", "data.workers=0"])
    other = load_config(config(tmp_path), ["seed=6"])
    assert config_hash(one) == config_hash(same) != config_hash(other)


def test_an_installed_m5kit_reports_the_checkout_it_is_run_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(m5kit, "__file__", str(tmp_path / "site" / "m5kit" / "__init__.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(work)
    assert git_state() is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (work / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    state = git_state()
    assert state is not None
    assert (state["of"], state["dirty"], len(state["commit"])) == ("working directory", False, 40)
    (work / "file").write_text("2")
    assert (git_state() or {})["dirty"]


def test_plugins_are_named_where_the_config_uses_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = plugins.PluginPart("fusions", "shiny", "m5plug", "1.2", plugins.API_VERSION, "m5plug:Shiny")
    monkeypatch.setattr(plugins, "discover", lambda scope=None: {"fusions": (part,)})
    text = "fusion: {type: shiny}\nharmonizer: {type: uniform}\nhead: 3\n"
    assert plugins_in_use(load_config(config(tmp_path, text))) == [
        {
            "key": "fusion",
            "distribution": "m5plug",
            "version": "1.2",
            "group": f"m5kit.v{plugins.API_VERSION}.fusions",
            "entry_point": "shiny = m5plug:Shiny",
        }
    ]


def test_a_part_inside_a_part_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = plugins.PluginPart("encoders", "shiny", "m5plug", "1.2", plugins.API_VERSION, "m5plug:Shiny")
    monkeypatch.setattr(plugins, "discover", lambda scope=None: {"encoders": (part,)})
    text = "encoder_a: {type: frames_image, frame: {type: shiny, width: 3}}\n"
    (found,) = plugins_in_use(load_config(config(tmp_path, text)))
    assert (found["key"], found["distribution"]) == ("encoder_a.frame", "m5plug")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts m5plug, with the encoder ``shiny`` unless told otherwise, on the path in some version."""
    monkeypatch.delenv(plugins.ALLOW_VARIABLE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    def put(version: str, part: str = "shiny") -> None:
        info = tmp_path / "m5plug.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Name: m5plug\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[m5kit.v1.encoders]\n{part} = m5plug:Shiny\n")
        plugins.refresh()

    yield put
    plugins.refresh()


def used(version: str, distribution: str = "m5plug") -> dict[str, list[dict[str, str]]]:
    entry = {"group": "m5kit.v1.encoders", "entry_point": "shiny = m5plug:Shiny"}
    return {"plugins": [{"key": "encoder_a", "distribution": distribution, "version": version, **entry}]}


Install = Callable[..., None]


def test_a_plugin_that_is_gone_is_named_with_what_to_install() -> None:
    with pytest.raises(CheckpointError) as caught:
        require_plugins(used("1.2", "m5kit-gone"))
    assert str(caught.value) == (
        "encoder_a of the run was trained with the plugin m5kit-gone 1.2, which is not installed; "
        "run: pip install 'm5kit-gone==1.2'"
    )


@pytest.mark.parametrize(("here", "then"), [("1.2", "1.3"), ("1.9", "1.10"), ("0.9", "1.0rc1"), ("1", "1.0.1")])
def test_a_plugin_that_is_older_than_the_run_is_named_with_both_versions(
    install: Install, here: str, then: str
) -> None:
    install(here)
    with pytest.raises(
        CheckpointError, match=rf"m5plug {then}, the one installed is older: {here}; .*'m5plug>={then}'"
    ):
        require_plugins(used(then))


@pytest.mark.parametrize(("here", "said"), [("1.2", 0), ("1.3", 1), ("1.10", 1), ("1.2.post1", 1)])
def test_a_newer_plugin_is_noted_once(install: Install, caplog: pytest.LogCaptureFixture, here: str, said: int) -> None:
    install(here)
    for _ in range(2):
        require_plugins(used("1.2"))
    expected = f"note: encoder_a of the run was trained with the plugin m5plug 1.2; here it is {here}"
    assert [record.getMessage().startswith(expected) for record in caplog.records] == [True] * said


def test_a_plugin_that_lost_the_part_is_told_so(install: Install) -> None:
    install("2.0", part="shinier")
    with pytest.raises(
        CheckpointError, match=r"the one installed, 2.0, has no 'shiny = .*'; run: pip install 'm5plug=="
    ):
        require_plugins(used("1.2"))


def test_a_plugin_that_may_not_be_used_is_told_so(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("1.2")
    monkeypatch.setenv(plugins.ALLOW_VARIABLE, "other")
    with pytest.raises(CheckpointError, match=r"m5plug 1.2, which is installed but left out by M5KIT_PLUGINS, --no-pl"):
        require_plugins(used("1.2"))


def test_a_local_plugin_of_a_run_must_still_be_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "mine.py"
    with pytest.raises(CheckpointError, match=r"mine.py abc, and there is no such file; bring it back"):
        require_plugins(used("abc", str(file)))
    file.write_text("x = 1")
    require_plugins(used(plugins.hash_of(file), str(file)))
    assert caplog.records == []
    require_plugins(used("abc", str(file)))
    assert f"mine.py abc; here it is {plugins.hash_of(file)}" in caplog.text


def test_files_that_a_local_plugin_names_are_noted_when_they_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("WORDS = open('words.txt')")
    (tmp_path / "words.txt").write_text("red")
    provenance = used(plugins.hash_of(file), str(file))
    provenance["plugins"][0]["data"] = data_digest(file)
    require_plugins(provenance)
    assert caplog.records == []
    (tmp_path / "words.txt").write_text("blue")
    require_plugins(provenance)
    assert "files that it names have changed since" in caplog.text


def test_no_program_that_a_checkout_names_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m5kit, "__file__", str(tmp_path / "site" / "m5kit" / "__init__.py"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (work / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    (work / ".gitattributes").write_text("* filter=theirs\n")
    (work / "file").write_text("2")
    started = f"touch {tmp_path / 'started'}; cat"
    for name, value in (("filter.theirs.clean", started), ("core.fsmonitor", started)):
        subprocess.run([*git, "config", name, value], check=True)
        state = git_state()
        assert state is not None
        assert state["dirty"] is None
        assert not (tmp_path / "started").exists()
        subprocess.run([*git, "config", "--unset", name], check=True)
    assert (git_state() or {})["dirty"]
