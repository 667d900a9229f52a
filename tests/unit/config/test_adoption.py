"""A config takes its model from the run that it starts from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m5kit.config import load_config

Write = Callable[[str, str], Path]
RUN = """
    encoder_b: {type: t_encoder, layers: 7}
    input_b: {decoder: {type: t_decoder}}
    fusion: {type: t_flat}
    model: {dim: 24}
    schedule: {max_steps: 3}
    seed: 9
"""


@pytest.fixture
def adopting(leaf: Path, write: Write) -> Path:
    write("runs/one/config.yaml", RUN)
    return write("next.yaml", "_base_: demo/leaf.yaml\ninit: {model: run}\ntask_hide: none\n")


def test_encoders_fusion_and_widths_are_those_of_the_run(adopting: Path) -> None:
    values = load_config(adopting, ["init.run=runs/one"]).values
    assert values["encoder_b"] == {"type": "t_encoder", "layers": 7}
    assert values["fusion"] == {"type": "t_flat"}
    assert values["model"]["dim"] == 24
    assert not {"encoder_a", "input_a"} & values.keys()


def test_all_else_stays_that_of_the_config(adopting: Path) -> None:
    values = load_config(adopting, ["init.run=runs/one"]).values
    assert (values["seed"], list(values["evaluation"])) == (3, ["search"])
    assert values["schedule"]["max_steps"] != 3


def test_the_command_line_still_has_the_last_word(adopting: Path) -> None:
    values = load_config(adopting, ["init.run=runs/one", "encoder_b.layers=2", "model.dim=8"]).values
    assert (values["encoder_b"]["layers"], values["model"]["dim"]) == (2, 8)


@pytest.mark.parametrize("run", ["runs/none", ""])
def test_without_such_a_run_the_config_has_its_own_model(adopting: Path, run: str) -> None:
    assert "encoder_a" in load_config(adopting, [f"init.run={run}"]).values


def test_a_run_is_adopted_only_where_that_is_asked_for(adopting: Path) -> None:
    assert "encoder_a" in load_config(adopting, ["init.run=runs/one", "init.model=config"]).values
