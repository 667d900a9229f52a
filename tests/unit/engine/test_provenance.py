"""What a run writes down about itself."""

import hashlib
import json
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import m5kit
from m5kit import plugins
from m5kit.engine.config import load_config
from m5kit.engine.provenance import collect, config_hash, fingerprint, git_state, plugins_in_use, require_plugins
from m5kit.errors import CheckpointError, DataError


def config(folder: Path, text: str = "seed: 5\n") -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_run_can_be_traced(tmp_path: Path) -> None:
    (tmp_path / "annotations.jsonl").write_text('{"id": "a"}\n\n{"id": "b"}\n')
    found = collect(load_config(config(tmp_path)), tmp_path / "annotations.jsonl")
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


def test_the_items_of_a_parquet_manifest_are_counted(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": ["a", "b", "c"]}), tmp_path / "m.parquet")
    assert fingerprint(tmp_path / "m.parquet")["items"] == 3


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no manifest .*gone\.jsonl; set data\.root"):
        fingerprint(tmp_path / "gone.jsonl")


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
    monkeypatch.setattr(plugins, "discover", lambda: {"fusions": (part,)})
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


def used(distribution: str, version: str) -> dict[str, list[dict[str, str]]]:
    return {"plugins": [{"key": "encoder_a", "distribution": distribution, "version": version}]}


def test_a_plugin_that_is_gone_is_named_with_what_to_install() -> None:
    with pytest.raises(CheckpointError) as caught:
        require_plugins(used("m5kit-gone", "1.2"))
    assert str(caught.value) == (
        "encoder_a of the run was trained with the plugin m5kit-gone 1.2, which is not installed; "
        "run: pip install 'm5kit-gone==1.2'"
    )


def test_a_plugin_that_is_older_than_the_run_is_named_with_both_versions() -> None:
    here = metadata.version("numpy")
    require_plugins(used("numpy", here))
    require_plugins(used("numpy", "0.9.12"))
    with pytest.raises(CheckpointError, match=rf"numpy 999.1, the one installed is older: {here}; .*'numpy>=999.1'"):
        require_plugins(used("numpy", "999.1"))


def test_a_local_plugin_of_a_run_must_still_be_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    with pytest.raises(CheckpointError, match=r"mine.py abc, and there is no such file; bring it back"):
        require_plugins(used(str(file), "abc"))
    file.write_text("")
    require_plugins(used(str(file), "abc"))
