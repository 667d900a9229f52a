"""What a run stands on besides its config; a sweep trains again what another software computed."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import pytest

from m5kit import plugins
from m5kit.config import load_config
from m5kit.runs import software as module
from m5kit.runs.software import REQUIRED, software


def test_local_plugins_of_one_name_all_count(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.py").write_text(f"# {folder}\n")
    path = tmp_path / "config.yaml"
    path.write_text("plugins: [a/part.py, b/part.py]\n")
    before = software(load_config(path))
    assert len(before["part.py"].split()) == 2
    (tmp_path / "a/part.py").write_text("# changed\n")
    assert software(load_config(path))["part.py"] != before["part.py"]


def test_what_a_local_plugin_imports_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "part.py").write_text("import PIL, yaml, beside_the_path", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "beside_the_path.py").write_text("A = 1", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    path = tmp_path / "config.yaml"
    path.write_text("plugins: [./part.py]\nseed: 0\n", encoding="utf-8")
    found = software(load_config(path))
    assert found["PyYAML"] == metadata.version("PyYAML")
    assert len(found["beside_the_path, code"]) == 16


def test_data_that_a_local_plugin_names_counts(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text("WORDS = open('words.txt')")
    (tmp_path / "words.txt").write_text("red")
    path = tmp_path / "config.yaml"
    path.write_text("plugins: [./part.py]\n")
    before = software(load_config(path))
    (tmp_path / "words.txt").write_text("blue")
    after = software(load_config(path))
    assert {key for key in before if before[key] != after[key]} == {"part.py, data"}
    (tmp_path / "words.txt").unlink()
    assert "part.py, data" not in software(load_config(path))


INSTALLED: Mapping[str, Sequence[str]] = {
    "m5plug": ["m5kit>=0.1", "Backbone_Kit[fast]>1", "nothing; python_version < '3'", "not a requirement"],
    "backbone-kit": ["torch", "shared", "compiled; extra == 'fast'", "drawing; extra == 'plots'"],
    "compiled": ["shared", "backbone-kit"],
    "torch": ["of-torch"],
    "m5kit": ["of-m5kit"],
}


def test_what_an_installed_plugin_requires_counts_and_what_every_run_has_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = plugins.PluginPart("fusions", "shiny", "m5plug", "1.2", plugins.API_VERSION, "m5plug:Shiny")
    monkeypatch.setattr(plugins, "discover", lambda scope=None: {"fusions": (part,)})
    monkeypatch.setattr(metadata, "requires", lambda name: INSTALLED.get(module.plain_name(name)))
    versions = {"backbone-kit": "2.0", "compiled": "3.0"}
    monkeypatch.setattr(module, "version_of", lambda name: versions.get(module.plain_name(name)))
    module._required.cache_clear()
    path = tmp_path / "config.yaml"
    path.write_text("fusion: {type: shiny}\n")
    found = software(load_config(path))
    module._required.cache_clear()
    assert found["m5plug"] == "1.2"
    assert {key: value for key, value in found.items() if key.endswith(REQUIRED)} == {
        f"backbone-kit{REQUIRED}": "2.0",
        f"compiled{REQUIRED}": "3.0",
        f"shared{REQUIRED}": "not found",
    }
