"""Composition: bases, pieces, drops, and what the result says about itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m5kit import plugins
from m5kit.config import annotate, dump, load_config
from m5kit.errors import ConfigError, UnknownComponentError

Write = Callable[[str, str], Path]


def test_a_leaf_is_its_pieces_its_differences_and_the_defaults(leaf: Path) -> None:
    resolved = load_config(leaf)
    assert resolved.name == "demo/leaf"
    assert resolved.values["fusion"] == {"type": "t_fusion", "heads": 4}
    assert resolved.values["seed"] == 3
    assert resolved.values["schedule"]["max_steps"] == 600
    assert resolved.origins["fusion.heads"] == "_base_/fusion/wide.yaml:3"
    assert resolved.origins["seed"] == "demo/leaf.yaml:2"
    assert resolved.origins["schedule.max_steps"] == "default"


def test_bases_merge_left_to_right_and_the_file_wins(write: Write) -> None:
    write("a.yaml", "seed: 1\ndata: {workers: 1, dropout: 0.1}\n")
    write("b.yaml", "seed: 2\ndata: {workers: 2}\n")
    resolved = load_config(write("c.yaml", "_base_: [a.yaml, b.yaml]\ndata: {label: kind}\n"))
    data = resolved.values["data"]
    assert (resolved.values["seed"], data["workers"], data["dropout"], data["label"]) == (2, 2, 0.1, "kind")


def test_a_length_in_steps_replaces_the_minutes_of_a_base(write: Write) -> None:
    write("timed.yaml", "schedule: {minutes: 10}")
    resolved = load_config(write("mine.yaml", "_base_: timed.yaml\nschedule: {max_steps: 20}"))
    assert resolved.values["schedule"]["minutes"] is None
    assert resolved.origins["schedule.minutes"].endswith("mine.yaml:2")
    both = load_config(write("both.yaml", "_base_: timed.yaml\nschedule: {max_steps: 20, minutes: 5}"))
    assert both.values["schedule"]["minutes"] == 5


def test_a_piece_replaces_its_key_whole(leaf: Path, write: Write) -> None:
    write("_base_/fusion/plain.yaml", "fusion: {type: t_fusion}\n")
    write("demo/other.yaml", "_base_: [leaf.yaml, fusion/plain]\n")
    assert load_config("demo/other.yaml").values["fusion"] == {"type": "t_fusion"}
    assert load_config(leaf, ["fusion=plain"]).values["fusion"] == {"type": "t_fusion"}


def test_the_resolved_config_loads_to_itself_without_its_bases(leaf: Path, write: Write) -> None:
    resolved = load_config(leaf, ["schedule.lr=1e-5", "data.label='010'"])
    again = load_config(write("runs/1/config.yaml", dump(resolved)))
    assert again.values == resolved.values
    assert dump(again) == dump(resolved)
    assert again.name == "demo/leaf"


def test_the_annotated_config_is_yaml_with_origins(leaf: Path, write: Write) -> None:
    text = annotate(load_config(leaf, ["schedule.lr=1e-5"]))
    assert "  heads: 4  # _base_/fusion/wide.yaml:3\n" in text
    assert "  lr: 1.0e-05  # --set\n" in text
    assert load_config(write("again.yaml", text)).values == load_config(leaf, ["schedule.lr=1e-5"]).values


def test_a_dropped_part_is_gone(leaf: Path, write: Write) -> None:
    write("demo/less.yaml", "_base_: leaf.yaml\ntask_hide: none\ninit: none\nevaluation:\n  search: none\n")
    values = load_config("demo/less.yaml").values
    assert "task_hide" not in values
    assert values["evaluation"] == {}
    assert values["init"] == {"run": None, "model": "config"}


def test_the_word_none_is_a_value_within_a_section(write: Write) -> None:
    assert load_config(write("x.yaml", "schedule: {decay: none}\n")).values["schedule"]["decay"] == "none"


def test_a_dropped_encoder_takes_its_input_and_its_tasks_along_and_says_so(leaf: Path) -> None:
    resolved = load_config(leaf, ["encoder_a=none"])
    assert not {"encoder_a", "input_a", "task_hide"} & resolved.values.keys()
    assert resolved.notes == ("dropped with encoder_a: input_a, task_hide",)
    assert annotate(resolved).startswith("# dropped with encoder_a: input_a, task_hide\n")


def test_a_dropped_encoder_takes_along_a_task_between_it_and_another(leaf: Path, write: Write) -> None:
    write("more.yaml", "_base_: demo/leaf.yaml\nencoder_b: {}\ntask_align: {type: alignment, between: [b, a]}\n")
    assert "task_align" in load_config("more.yaml", []).values
    resolved = load_config("more.yaml", ["encoder_b=none"])
    assert "task_align" not in resolved.values
    assert resolved.notes == ("dropped with encoder_b: task_align",)


def test_a_dropped_encoder_leaves_the_stack_that_it_shared(leaf: Path, write: Write) -> None:
    write("more.yaml", "_base_: demo/leaf.yaml\nencoder_b: {}\nencoder_c: {}\nmodel: {share: [[a, b, c]]}\n")
    resolved = load_config("more.yaml", ["encoder_a=none"])
    assert resolved.values["model"]["share"] == [["b", "c"]]
    assert "a is dropped from model.share with encoder_a" in resolved.notes
    assert load_config("more.yaml", ["encoder_a=none", "encoder_b=none"]).values["model"]["share"] == []


def test_a_dropped_encoder_needs_no_noise(leaf: Path, write: Write) -> None:
    write("more.yaml", "_base_: demo/leaf.yaml\nencoder_b: {}\ndata: {noise: {a: 0.5, b: 0.25}}\n")
    assert load_config("more.yaml", ["encoder_a=none"]).values["data"]["noise"] == {"b": 0.25}
    assert load_config("more.yaml", ["data.noise="]).values["data"]["noise"] is None


def test_what_compares_modalities_goes_where_one_is_left(leaf: Path, write: Write) -> None:
    write(
        "two.yaml",
        "_base_: demo/leaf.yaml\nencoder_b: {}\ntask_pairs: {type: contrastive}\n"
        "evaluation: {pairs: {type: cross_modal, split: test}}\n",
    )
    assert load_config("two.yaml").notes == ()
    resolved = load_config("two.yaml", ["encoder_b=none"])
    assert "task_pairs" not in resolved.values
    assert list(resolved.values["evaluation"]) == ["search"]
    assert resolved.notes == (
        "dropped because they compare modalities and there is only a: task_pairs, evaluation.pairs",
    )
    by_hand = load_config("two.yaml", ["encoder_b=none", "evaluation.pairs.split=val"])
    assert "pairs" in by_hand.values["evaluation"]


def test_a_task_may_be_for_few_modalities_only(leaf: Path, write: Write) -> None:
    write("alone.yaml", "_base_: demo/leaf.yaml\nencoder_b: {}\ntask_alone: {type: t_alone, most_modalities: 1}\n")
    both, alone = load_config("alone.yaml"), load_config("alone.yaml", ["encoder_b=none"])
    assert ("task_alone" in both.values, both.notes) == (False, ())
    assert alone.values["task_alone"] == {"type": "t_alone"}
    write("wrong.yaml", "_base_: demo/leaf.yaml\ntask_alone: {type: t_alone, most_modalities: few}\n")
    assert load_config("wrong.yaml").values["task_alone"]["most_modalities"] == "few"


def test_a_circle_of_bases_is_named_whole(write: Write) -> None:
    write("a.yaml", "_base_: b.yaml\n")
    write("b.yaml", "_base_: [a.yaml]\n")
    with pytest.raises(ConfigError, match=r"the bases form a circle: a\.yaml -> b\.yaml -> a\.yaml"):
        load_config("a.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("_base_: nope.yaml\n", r"x\.yaml:1: _base_: there is no file 'nope\.yaml' beside x\.yaml"),
        ("_base_: [fusion]\n", r"x\.yaml:1: _base_: expected a path ending in \.yaml or key/name, got 'fusion'"),
        ("_base_: [3]\n", r"x\.yaml:1: _base_: expected paths or key/name, got 3"),
        ("_base_: [fusion/wid]\n", r"no piece is named 'wid'; did you mean 'wide'\? there are: .*flat.*wide"),
        ("_base_: [fusion/bad]\n", r"bad\.yaml:1: a piece defines one key, .*'fusion'; found fusion, seed"),
        ("weighting: none\n", r"x\.yaml:1: weighting: cannot be dropped, every run has one; set a value"),
        ("seed:\n", r"x\.yaml:1: seed: cannot be dropped"),
        ("encodr_a: none\n", r"x\.yaml:1: encodr_a: there is no such key to drop"),
    ],
)
def test_a_wrong_base_is_named(text: str, message: str, leaf: Path, write: Write) -> None:
    write("_base_/fusion/bad.yaml", "fusion: {type: x}\nseed: 1\n")
    with pytest.raises(ConfigError, match=message):
        load_config(write("x.yaml", text))


def test_an_unknown_config_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownComponentError, match=r"there is no config 'demo/scal'; did you mean 'demo/scale'\?"):
        load_config("demo/scal")


def test_a_plugin_ships_leaves_and_pieces_without_being_imported(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("site/m5plug/__init__.py", "raise RuntimeError('imported')\n")
    write("site/m5plug/configs/_base_/fusion/shiny.yaml", "fusion: {type: shiny}\n")
    write("site/m5plug/configs/plug/leaf.yaml", "_base_: fusion/shiny\n")
    part = plugins.PluginPart("configs", "plug", "m5plug", "1.0", plugins.API_VERSION, "m5plug.configs")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(plugins, "discover", lambda scope=None: {"configs": (part,)})
    assert load_config("plug/leaf").values["fusion"] == {"type": "shiny"}
    assert load_config(write("own.yaml", "seed: 1\n"), ["fusion=shiny"]).values["fusion"] == {"type": "shiny"}


def test_a_base_may_be_a_shipped_config_by_its_name(write: Write) -> None:
    resolved = load_config(write("mine.yaml", "_base_: demo/scale\nseed: 5\n"))
    assert resolved.values["seed"] == 5
    assert resolved.values["fusion"] == load_config("demo/scale").values["fusion"]
    both = load_config(write("both.yaml", "_base_: [demo/scale, fusion/gated]\n"))
    assert both.values["fusion"]["type"] == "gated"


def test_a_base_that_is_neither_config_nor_piece_is_named(write: Write) -> None:
    with pytest.raises(ConfigError, match="demo: no piece is named 'scael'"):
        load_config(write("mine.yaml", "_base_: demo/scael\n"))
