"""A run that was trained with a plugin, opened where the plugin is missing, older or newer."""

import shutil

import pytest

from m5kit import plugins

FUSION = """
    from m5kit.fusions.concat import ConcatFusion

    class Kept(ConcatFusion):
        '''A fusion.'''
"""
ENTRIES = "[m5kit.v1.fusions]\nkept = zoo_kept.part:Kept\n[m5kit.v1.configs]\nkept = zoo_kept\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def put(tmp_path_factory, distribution):
    """Installs a version of the plugin, which ships the fusion and its config piece; None takes it away."""
    site = tmp_path_factory.mktemp("site")

    def place(version):
        shutil.rmtree(site)
        site.mkdir()
        if version is not None:
            piece = site / "zoo_kept/_base_/fusion/kept.yaml"
            piece.parent.mkdir(parents=True)
            piece.write_text("fusion: {type: kept}\n")
            (site / "zoo_kept/__init__.py").touch()
            distribution(site, "zoo-kept", ENTRIES, {"zoo_kept/part": FUSION}, version)
        return site

    return place


@pytest.fixture(scope="module")
def kept(put, tmp_path_factory, demo, tool, short):
    """The folder of a run that was trained with version 1.2."""
    run = tmp_path_factory.mktemp("runs") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(plugins.ALLOW_VARIABLE, raising=False)
        patch.setenv("PYTHONPATH", str(put("1.2")))
        changes = short("fusion=kept", "evaluation=none")
        tool("tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run, *changes)
    return run


@pytest.fixture(params=["evaluate", "embed", "resume"])
def command(request, kept, demo, short, tmp_path):
    resume = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", kept, "--resume"]
    return {
        "evaluate": ["tools/evaluate.py", kept],
        "embed": ["tools/embed.py", kept, "--data", demo, "--out", tmp_path / "e.npz"],
        "resume": [*resume, *short("fusion=kept", "evaluation=none")],
    }[request.param]


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (None, "fusion of the run was trained with the plugin zoo-kept 1.2, which is not installed; "),
        ("1.1", "fusion of the run was trained with the plugin zoo-kept 1.2, the one installed is older: 1.1; "),
    ],
)
def test_a_missing_or_older_plugin_is_named_with_what_to_install(put, command, tool, monkeypatch, version, text):
    monkeypatch.setenv("PYTHONPATH", str(put(version)))
    done = tool(*command, check=False)
    assert done.returncode == 2
    assert text in done.stderr
    assert f"run: pip install {'--upgrade ' if version else ''}'zoo-kept{'>=' if version else '=='}1.2'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_newer_plugin_goes_on_with_a_note(put, command, tool, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(put("2.0")))
    done = tool(*command)
    assert done.stderr.count("note: fusion of the run was trained with the plugin zoo-kept 1.2; here it is 2.0") == 1


def test_a_plugin_that_is_left_out_is_told_apart_from_a_missing_one(put, kept, tool, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(put("1.2")))
    done = tool("-m", "m5kit", "--no-plugins", "evaluate", kept, check=False)
    assert done.returncode == 2
    assert (
        "zoo-kept 1.2, which is installed but left out by M5KIT_PLUGINS, --no-plugins or plugins.allow" in done.stderr
    )
