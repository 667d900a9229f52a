"""A config can build registered names only; whatever else it says stays data or is refused."""

import json

import pytest

from m5kit.cli import main
from m5kit.engine.config import check_config, load_config
from m5kit.errors import ConfigError, UnknownComponentError

ELSEWHERE = [
    *("subprocess.run", "subprocess:run", "os.system", "os:system", "builtins.exec", "builtins:eval", "eval"),
    *("posix.system", "m5kit.cli.main.main", "m5kit:os.system", "m5kit.fusions.concat.ConcatFusion"),
    *("torch.hub.load", "mmengine.Config.fromfile", "mmengine::Runner", "Runner", "__import__", "../concat"),
    *("m5kit.registry:FUSIONS", "/etc/passwd", "concat;import os", "concat\n", " concat", "CONCAT", ""),
]


@pytest.fixture
def leaf(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "leaf.yaml").write_text(text)
        return tmp_path / "leaf.yaml"

    return write


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("key", ["fusion", "encoder_text", "task_contrastive", "input_image.decoder"])
def test_a_type_is_a_registered_name_or_a_mistake(leaf, tmp_path, key, name):
    part = {"_replace_": True, "type": name, "args": ["touch", str(tmp_path / "done")], "_scope_": "subprocess"}
    first, _, second = key.partition(".")
    path = leaf(json.dumps({"_base_": ["demo-scale.yaml"], first: {second: part} if second else part}))
    (tmp_path / "demo-scale.yaml").write_text("_base_: [data/demo]\n")
    with pytest.raises(ConfigError, match=r"named|expected"):
        check_config(load_config(path))
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch done']",
        "!!python/object/new:subprocess.Popen [['touch', 'done']]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!include /etc/passwd",
        "!env HOME",
        "!!set {a}",
        "&anchor 3",
    ],
)
def test_yaml_tags_and_anchors_are_refused(leaf, tmp_path, value):
    with pytest.raises(ConfigError, match=r"leaf.yaml:1: .*(refused|not supported|not YAML|could not|undefined alias)"):
        load_config(leaf(f"seed: {value}\n"))
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    "text",
    [
        *("${HOME}", "${oc.env:HOME}", "{{ fileDirname }}", "{{$HOME:x}}", "%(HOME)s", "$HOME", "`touch done`"),
        *("$(touch done)", "{_base_.seed}", "{{_base_.seed}}", "~/x", "__import__('os').system('touch done')"),
    ],
)
def test_nothing_interpolates(leaf, tmp_path, text):
    resolved = load_config(leaf(json.dumps({"name": text, "data": {"root": text}})))
    assert resolved.values["name"] == text
    assert resolved.values["data"]["root"] == text
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    "base",
    ["../../../etc/passwd.yaml", "http://example.com/x.yaml", "fusion/../../x", "fusion/../fusion/concat", "x.py"],
)
def test_bases_are_files_and_pieces(leaf, base):
    with pytest.raises((ConfigError, UnknownComponentError)):
        load_config(leaf(json.dumps({"_base_": [base]})))


def test_the_command_line_reaches_no_more_than_a_config(leaf, tmp_path, capsys):
    path = leaf("_base_: [data/demo]\n")
    for change in (
        "fusion=../../x",
        "fusion.type=subprocess.run",
        "fusion=!!python/name:os.system",
        "seed=!!python/object/apply:os.system ['touch done']",
        "plugins=sly",
    ):
        assert main(["config", "check", str(path), "--set", change]) == 2, change
        assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "done").exists()
