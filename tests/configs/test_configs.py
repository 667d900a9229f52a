"""The shipped configs: leaves load and are right, pieces own one key, and little is written twice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from m5kit.ablation.plan import make_plan
from m5kit.ablation.sweep_file import read_sweep
from m5kit.config import check_config, dump, load_config
from m5kit.config.reader import read_file
from m5kit.config.sections import is_known

CONFIGS = Path(__file__).parents[2] / "configs"
PIECES = sorted((CONFIGS / "_base_").rglob("*.yaml"))
SWEEPS = sorted((CONFIGS / "ablations").glob("*.yaml"))
LEAVES = sorted(path for path in CONFIGS.rglob("*.yaml") if path not in (*PIECES, *SWEEPS))

MODALITIES = ["image", "text", "table", "video", "audio"]

# an encoder and an input that have other sizes than the small ones of the demo are picked together
PAIRS = [
    ("encoder_audio=bands", "input_audio=bands"),
    ("encoder_audio=hubert", "input_audio=samples"),
    ("encoder_image=regions", "input_image=regions"),
    ("encoder_table=columns", "input_table=columns"),
    ("encoder_video=clips", "input_video=clips"),
]
PARTNERS = {one: [other] for pair in PAIRS for one, other in (pair, pair[::-1])}


def name(path: Path) -> str:
    return str(path.relative_to(CONFIGS).with_suffix(""))


def content(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


@pytest.mark.parametrize("leaf", LEAVES, ids=name)
def test_a_leaf_loads_by_name_and_has_no_mistake(leaf: Path, tmp_path: Path) -> None:
    resolved = load_config(name(leaf))
    assert check_config(resolved).name == name(leaf)
    (tmp_path / "config.yaml").write_text(dump(resolved), encoding="utf-8")
    assert load_config(tmp_path / "config.yaml").values == resolved.values


@pytest.mark.parametrize("leaf", LEAVES, ids=name)
def test_a_leaf_is_a_short_list_that_says_how_to_run_it(leaf: Path) -> None:
    assert len(content(leaf)) <= 30
    head = leaf.read_text(encoding="utf-8").splitlines()
    assert head[0].startswith("# ")
    assert any(line.startswith(f"# Run:     python tools/train.py configs/{name(leaf)}.yaml") for line in head)


@pytest.mark.parametrize("piece", PIECES, ids=name)
def test_a_piece_owns_one_known_key_has_no_base_and_says_what_it_is_for(piece: Path) -> None:
    assert list(read_file(piece).value) == [piece.parent.name]
    assert is_known(piece.parent.name)
    assert piece.read_text(encoding="utf-8").startswith("# ")


def test_pieces_repeat_little() -> None:
    lines = [line for piece in PIECES for line in content(piece) if line not in ("[", "]", "{", "}")]
    assert len(lines) / len(set(lines)) <= 1.5


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_main_config_works_without_any_one_modality(modality: str) -> None:
    config = check_config(load_config("demo/scale", [f"encoder_{modality}=none"]))
    assert len(config.encoders) == len(config.inputs) == 4
    assert modality not in {task.get("modality") for task in config.tasks.values()}


@pytest.mark.parametrize("leaf", ["products/small", "products/scale"])
@pytest.mark.parametrize("modality", MODALITIES)
def test_a_config_for_products_works_with_any_one_modality(leaf: str, modality: str) -> None:
    others = [f"encoder_{other}=none" for other in MODALITIES if other != modality]
    config = check_config(load_config(leaf, others))
    assert set(config.encoders) == {modality}
    assert config.tasks


@pytest.mark.parametrize("piece", PIECES, ids=name)
def test_every_piece_can_be_picked(piece: Path) -> None:
    key = piece.parent.name
    leaf = "demo/finetune" if key == "head" else "demo/scale"
    picked = f"{key}={piece.stem}"
    assert check_config(load_config(leaf, [picked, *PARTNERS.get(picked, ())]))


@pytest.mark.parametrize("path", SWEEPS, ids=name)
def test_a_sweep_is_right_in_every_variant_and_says_how_to_run_it(path: Path) -> None:
    sweep = read_sweep(path)
    plan = make_plan(sweep, _checked)
    assert len(sweep.seeds) >= 5
    assert plan.same == {}
    assert {figure.partition("/")[0] for figure in sweep.metrics} <= load_config(sweep.base).values["evaluation"].keys()
    head = path.read_text(encoding="utf-8").splitlines()
    assert any(line.startswith(f"# Run:     python tools/ablate.py configs/{name(path)}.yaml") for line in head)
    assert any(line.startswith(f"# Takes:   {len(plan.trials)} trials") for line in head)


def _checked(base: str, overrides: Sequence[str]) -> Mapping[str, Any]:
    resolved = load_config(base, overrides)
    check_config(resolved)
    return resolved.values
