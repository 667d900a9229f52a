"""A config can build registered names only; whatever else it says stays data or is refused."""

import json
from pathlib import Path

import pytest

from m5kit.cli import main
from m5kit.config import check_config, load_config
from m5kit.errors import ConfigError, UnknownComponentError

DEMO = Path(__file__).parents[3] / "configs/demo/scale.yaml"
ELSEWHERE = [
    *("subprocess.run", "subprocess:run", "os.system", "os:system", "builtins.exec", "builtins:eval", "eval"),
    *("posix.system", "m5kit.cli.main.main", "m5kit:os.system", "m5kit.fusions.concat.ConcatFusion"),
    *("torch.hub.load", "mmengine.Config.fromfile", "mmengine::Runner", "Runner", "__import__", "../concat"),
    *("m5kit.registry:FUSIONS", "/etc/passwd", "concat;import os", "concat\n", " concat", "CONCAT", ""),
]
KEYS = [
    *("fusion", "harmonizer", "balancer", "head", "encoder_text", "task_contrastive"),
    *("input_image.decoder", "input_image.transform", "evaluation.x"),
]


@pytest.fixture
def leaf(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "leaf.yaml").write_text(text)
        return tmp_path / "leaf.yaml"

    return write


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("key", KEYS)
def test_a_type_is_a_registered_name_or_a_mistake(leaf, tmp_path, key, name):
    part = {"_replace_": True, "type": name, "args": ["touch", str(tmp_path / "done")], "_scope_": "subprocess"}
    first, _, second = key.partition(".")
    path = leaf(json.dumps({"_base_": ["demo-scale.yaml"], first: {second: part} if second else part}))
    (tmp_path / "demo-scale.yaml").write_text("_base_: [data/demo]\n")
    with pytest.raises(ConfigError, match=r"named|expected"):
        check_config(load_config(path))
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("name", ["os.system", "subprocess:Popen", "m5kit.cli.main.main", "m5kit:os.system", ""])
def test_a_part_inside_a_part_is_a_registered_name_too(leaf, capsys, name):
    frame = {"type": name, "command": "touch done", "args": ["touch", "done"]}
    encoder = {"_replace_": True, "type": "frames_image", "frame": frame}
    path = leaf(json.dumps({"_base_": [str(DEMO)], "encoder_video": encoder, "evaluation": "none"}))
    assert main(["config", "check", str(path)]) == 2
    err = capsys.readouterr().err
    assert f"no encoder is named {name!r}" in err
    assert "Traceback" not in err
    assert not path.with_name("done").exists()


@pytest.mark.parametrize("key", ["schedule", "data", "model", "init", "logging", "checkpoint", "weighting", "plugins"])
def test_what_is_no_part_has_no_type(leaf, key):
    with pytest.raises(ConfigError, match=rf"{key}.type: unknown key"):
        check_config(load_config(leaf(json.dumps({key: {"type": "os.system", "command": "touch done"}}))))


@pytest.mark.parametrize(
    "text",
    [
        *("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "a: &a {seed: 4}\n<<: *a", "<<: {seed: 4}", "? [a]\n: 3"),
        *("%TAG ! tag:yaml.org,2002:\n---\nseed: !python/name:os.system", "!!python/name:os.system : 3"),
        *("seed: 1\n---\nseed: 2", "seed: " + "9" * 6000, "seed: " + "[" * 100_000, "seed: " + "{a: " * 3000),
    ],
    ids=range(10),
)
def test_yaml_neither_grows_nor_hides_anything(leaf, text):
    with pytest.raises(ConfigError, match=r"leaf.yaml"):
        check_config(load_config(leaf(text + "\n")))


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
    [
        *("../../../etc/passwd.yaml", "http://example.com/x.yaml", "fusion/../../x", "fusion/../fusion/concat", "x.py"),
        *("/etc/passwd", "/etc/passwd.yaml", "../fusion", "_base_/x", "fusion/..", "fusion/*", "..", "", "a\0b.yaml"),
        *("x" * 5000 + ".yaml", "fusion/" + "x" * 5000, "plugins/sly"),
    ],
)
def test_bases_are_files_and_pieces(leaf, base):
    with pytest.raises((ConfigError, UnknownComponentError)):
        load_config(leaf(json.dumps({"_base_": [base]})))


@pytest.mark.parametrize("name", ["../x", "demo/../../x", "../configs/demo/scale", "demo", "", "\0", "x" * 5000])
def test_a_config_is_a_file_or_a_shipped_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownComponentError, match="there is no config"):
        load_config(name)


def test_the_command_line_reaches_no_more_than_a_config(leaf, tmp_path, capsys):
    path = leaf("_base_: [data/demo]\n")
    for change in (
        "fusion=../../x",
        "fusion.type=subprocess.run",
        "fusion=!!python/name:os.system",
        "seed=!!python/object/apply:os.system ['touch done']",
        "plugins=sly",
        "../fusion=concat",
        "fusion=concat/../x",
        "fusion=" + "x" * 5000,
        "_base_=[x.yaml]",
        "fusion.__class__=os.system",
        "seed=*a",
    ):
        assert main(["config", "check", str(path), "--set", change]) == 2, change
        assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "done").exists()
