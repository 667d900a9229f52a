"""Changes from the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m5kit.config import load_config
from m5kit.errors import ConfigError


def test_a_word_picks_a_piece_and_nothing_of_the_old_one_stays(leaf: Path) -> None:
    resolved = load_config(leaf, ["fusion=flat"])
    assert resolved.values["fusion"] == {"type": "t_flat"}
    assert resolved.origins["fusion.type"] == "_base_/fusion/flat.yaml:2"


def test_values_are_typed_and_come_after_pieces(leaf: Path) -> None:
    resolved = load_config(
        leaf, ["fusion.heads=8", "schedule.lr=1e-3", "data.train=[x, y]", "fusion=wide", "seed=7", "schedule.clip="]
    )
    assert resolved.values["fusion"]["heads"] == 8
    assert resolved.values["schedule"]["lr"] == 1e-3
    assert resolved.values["schedule"]["clip"] is None
    assert resolved.values["data"]["train"] == ["x", "y"]
    assert resolved.values["seed"] == 7
    assert resolved.origins["schedule.lr"] == "--set"


def test_a_length_in_steps_replaces_one_in_minutes_which_else_would_win(leaf: Path) -> None:
    timed = ["schedule.minutes=10"]
    assert load_config(leaf, [*timed, "schedule.max_steps=20"]).values["schedule"]["minutes"] is None
    resolved = load_config(leaf, ["schedule.max_steps=20", *timed])
    assert (resolved.values["schedule"]["max_steps"], resolved.values["schedule"]["minutes"]) == (20, 10)
    assert load_config(leaf, [*timed, "schedule.lr=1e-3"]).values["schedule"]["minutes"] == 10


def test_a_length_in_steps_replaces_one_in_passes(leaf: Path) -> None:
    passes = ["schedule.epochs=4", "schedule.minutes=10"]
    schedule = load_config(leaf, [*passes, "schedule.max_steps=20"]).values["schedule"]
    assert (schedule["max_steps"], schedule["minutes"], schedule["epochs"]) == (20, None, None)
    assert load_config(leaf, ["schedule.max_steps=20", *passes]).values["schedule"]["epochs"] == 4


def test_the_data_folder_wins(leaf: Path) -> None:
    resolved = load_config(leaf, ["data.root=here"], Path("there"))
    assert resolved.values["data"]["root"] == "there"
    assert resolved.origins["data.root"] == "--data"


def test_evaluation_can_be_skipped_whole_in_part_or_when_there_is_none(leaf: Path) -> None:
    assert "evaluation" not in load_config(leaf, ["evaluation=none"]).values
    assert load_config(leaf, ["evaluation.search=none"]).values["evaluation"] == {}
    assert "evaluation" not in load_config(leaf, ["evaluation=none", "head=none"]).values


def test_another_type_drops_the_arguments_of_the_old_one(leaf: Path) -> None:
    assert load_config(leaf, ["fusion.type=t_flat"]).values["fusion"] == {"type": "t_flat"}


def test_every_mistake_is_reported_at_once(leaf: Path) -> None:
    wrong = [
        "seed",
        "fusoin=flat",
        "fusion=flt",
        "fusion=[1]",
        "schedule.max_step=3",
        "fusoin.heads=3",
        "data.train=[1",
    ]
    with pytest.raises(ConfigError) as caught:
        load_config(leaf, [*wrong, "schedule.max_steps=3"])
    text = str(caught.value)
    assert len(caught.value.problems) == len(wrong)
    assert "--set seed: expected KEY=VALUE" in text
    assert "--set fusoin: the config has no such key; did you mean 'fusion'?" in text
    assert "no piece is named 'flt'; did you mean 'flat'?" in text
    assert "--set fusion=[1]: expected the name of a piece" in text
    assert "--set schedule.max_step: 'max_step': the config has no such key; did you mean 'max_steps'?" in text
    assert "--set fusoin.heads: 'fusoin': the config has no such key; did you mean 'fusion'?" in text


def test_a_second_piece_of_a_table_joins_the_first(leaf: Path, write: Callable[[str, str], Path]) -> None:
    write("_base_/hooks/one.yaml", "hooks: {one: {type: t_one}}\n")
    write("_base_/hooks/two.yaml", "hooks: {two: {type: t_two}}\n")
    both = {"one": {"type": "t_one"}, "two": {"type": "t_two"}}
    assert load_config(leaf, ["hooks=one", "hooks=two"]).values["hooks"] == both
    assert load_config(leaf, ["hooks=one", "hooks=none", "hooks=two"]).values["hooks"] == {"two": both["two"]}


def test_a_path_may_hold_a_sharp_sign(leaf: Path) -> None:
    assert load_config(leaf, ["data.root=/shops/shop #2"]).values["data"]["root"] == "/shops/shop #2"


def test_a_type_makes_a_new_metric_whatever_the_order_and_where_there_was_none(leaf: Path) -> None:
    wanted = ["evaluation.mine.label=kind", "evaluation.mine.type=t_metric"]
    made = {"type": "t_metric", "label": "kind"}
    assert load_config(leaf, wanted).values["evaluation"]["mine"] == made
    assert load_config(leaf, ["evaluation=none", *wanted]).values["evaluation"] == {"mine": made}
    assert load_config(leaf, ["hooks.mine={type: t_one}"]).values["hooks"] == {"mine": {"type": "t_one"}}
    with pytest.raises(ConfigError, match="'mine': the config has no such key"):
        load_config(leaf, ["evaluation.mine.label=kind"])


def test_a_type_makes_a_part_that_the_config_has_not_named_yet(leaf: Path) -> None:
    made = load_config(leaf, ["optimizer.momentum=0.9", "optimizer.type=t_opt"]).values["optimizer"]
    assert made == {"type": "t_opt", "momentum": 0.9}
    with pytest.raises(
        ConfigError, match=r"optimizer\.momentum: the config has no optimizer yet; .*optimizer\.type=NAME"
    ):
        load_config(leaf, ["optimizer.momentum=0.9"])


@pytest.mark.parametrize("text", ["99999999999999999999", "[a", "!x y", "*a", "a\x00", "3 # lost"])
def test_a_value_that_is_no_yaml_names_its_key(leaf: Path, text: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_config(leaf, ["schedule.lr=1e-3", f"fusion.heads={text}"])
    assert told.value.problems[0].startswith("--set fusion.heads: ")
