"""The whole check: what passes, and that nothing wrong goes unnamed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m5kit.config import check_config, load_config
from m5kit.errors import ConfigError
from m5kit.registry import DECODERS, TASKS

Write = Callable[[str, str], Path]
pytestmark = pytest.mark.usefixtures("parts")


def problems(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check_config(load_config(path, overrides))
    return "\n".join(caught.value.problems)


def test_a_right_config_becomes_typed(leaf: Path) -> None:
    config = check_config(load_config(leaf, ["data.train=[x, y]"]))
    assert (config.name, config.mode, config.seed) == ("demo/leaf", "pretrain", 3)
    assert config.data.train == ("x", "y")
    assert config.schedule.lr == 5e-4
    assert config.encoders == {"a": {"type": "t_encoder", "layers": 1}}
    assert config.inputs["a"]["transform"] == {"type": "t_transform", "size": 8}
    assert config.tasks == {"hide": {"type": "t_task", "modality": "a", "weight": 2}}
    assert config.evaluation == {"search": {"type": "t_metric", "label": "kind"}}
    assert config.head is None
    assert config.balancer == {"type": "fixed"}


def test_every_mistake_is_reported_with_its_place(leaf: Path, write: Write) -> None:
    write(
        "demo/wrong.yaml",
        """
        _base_: leaf.yaml
        seed: fast
        shedule: {lr: 1}
        schedule: {lrr: 1, max_steps: 2.5, lr: true}
        data: {train: pretrain, missing: guess}
        fusion: {hedas: 3, shape: [1, x]}
        harmonizer: {type: t_harmoniser}
        encoder_a: {rate: quick}
        input_a: {transfrom: {type: x}, source: 3}
        task_hide: {weight: -1}
        evaluation: {search: {ks: 3}, other: 4}
        """,
    )
    found = problems(Path("demo/wrong.yaml"))
    for expected in (
        "demo/wrong.yaml:2: seed: expected a valid integer, got 'fast'",
        "demo/wrong.yaml:3: shedule: unknown key; did you mean 'schedule'?",
        "demo/wrong.yaml:4: schedule.lrr: unknown key; did you mean 'lr'?",
        "demo/wrong.yaml:4: schedule.max_steps: expected a valid integer, got 2.5",
        "demo/wrong.yaml:4: schedule.lr: expected a valid number, got True",
        "demo/wrong.yaml:5: data.train: expected a list, got 'pretrain'",
        "demo/wrong.yaml:5: data.missing: expected 'mask' or 'zero', got 'guess'",
        "demo/wrong.yaml:6: fusion.hedas: unknown key; did you mean 'heads'?",
        "demo/wrong.yaml:6: fusion.shape: expected a valid integer, got 'x'",
        "demo/wrong.yaml:7: harmonizer.type: no harmonizer is named 't_harmoniser'; did you mean 't_harmonizer'?",
        "demo/wrong.yaml:8: encoder_a.rate: expected a valid number, got 'quick'",
        "demo/wrong.yaml:9: input_a.transfrom: unknown key; did you mean 'transform'?",
        "demo/wrong.yaml:9: input_a.source: expected the name of a column of the manifest, got 3",
        "demo/wrong.yaml:10: task_hide.weight: expected a number that is not negative, got -1",
        "demo/wrong.yaml:11: evaluation.search.ks: expected a list, got 3",
        "demo/wrong.yaml:11: evaluation.other: expected a mapping with a type (see: m5kit list metrics), got 4",
    ):
        assert expected in found
    assert len(found.splitlines()) == 16


def test_what_a_constructor_needs_and_nobody_gives_is_missing(leaf: Path, write: Write) -> None:
    write("demo/less.yaml", "_base_: leaf.yaml\nevaluation: {search: {_replace_: true, type: t_metric}}\n")
    assert "evaluation.search.label: is missing; 't_metric' needs it" in problems(Path("demo/less.yaml"))


def test_parts_must_go_together(leaf: Path) -> None:
    assert "encoder_a.dim: 64 is not the common width model.dim=96" in problems(leaf, "encoder_a.dim=64")
    assert "mode: pretraining needs at least one task" in problems(leaf, "task_hide=none")
    assert "fusion: is missing; pick a piece" in problems(leaf, "fusion=none")
    assert "task_hide.modality: there is no encoder_b; the config has a" in problems(leaf, "task_hide.modality=b")
    none_left = problems(leaf, "encoder_a=none")
    assert "encoder_*: is missing; a model needs at least one encoder" in none_left


def test_shared_stacks_are_those_of_encoders_and_each_is_named_once(leaf: Path) -> None:
    found = problems(leaf, "model.share=[[a, b], [a]]")
    assert "model.share: there is no encoder_b; the config has a" in found
    assert "model.share: a is named twice; an encoder has one stack" in found
    assert "model.share: expected groups of two or more, as in [[text, table], [image, video]]" in found
    assert "model.share: expected a list, got 'a'" in problems(leaf, "model.share=[a]")


def test_noise_is_for_modalities_of_the_config(leaf: Path) -> None:
    assert "data.noise.b: there is no encoder_b; the config has a" in problems(leaf, "data.noise.b=0.5")
    assert "data.noise: expected a number greater than or equal to 0, got -1" in problems(leaf, "data.noise.a=-1")


def test_an_encoder_needs_an_input_and_an_input_an_encoder(leaf: Path, write: Write) -> None:
    write("demo/x.yaml", "_base_: leaf.yaml\nencoder_b: {type: t_encoder}\ninput_c: {decoder: {type: t_decoder}}\n")
    found = problems(Path("demo/x.yaml"))
    assert "demo/x.yaml:2: encoder_b: has no input_b" in found
    assert "demo/x.yaml:3: input_c: has no encoder_c to feed" in found
    assert "demo/x.yaml:3: input_c.transform: expected a mapping with a type (see: m5kit list transforms)" in found


def test_columns_are_joined_by_a_decoder_that_reads_several(leaf: Path) -> None:
    class Joining:
        joins = True

    with DECODERS.temporarily("t_joining", Joining):
        assert "input_a.join: is missing; the decoder reads several columns" in problems(
            leaf, "input_a.decoder.type=t_joining"
        )
        both = problems(leaf, "input_a.decoder.type=t_joining", "input_a.join=[x, x]", "input_a.source=y")
        assert "input_a.join: expected names of columns of the manifest, each once, got ['x', 'x']" in both
        assert "input_a.source: has no use beside join; list the column there" in both
        config = check_config(load_config(leaf, ["input_a.decoder.type=t_joining", "input_a.join=[x, y]"]))
    assert config.inputs["a"]["join"] == ["x", "y"]
    assert "input_a.join: the decoder reads one column; take one that joins them" in problems(leaf, "input_a.join=[x]")


def test_two_tasks_may_not_hide_tokens_of_one_modality(leaf: Path, write: Write) -> None:
    write("demo/x.yaml", "_base_: leaf.yaml\ntask_too: {type: t_task, modality: a}\n")
    assert "task_too.modality: task_hide hides tokens of 'a' already" in problems(Path("demo/x.yaml"))


def test_a_task_that_compares_modalities_needs_two(leaf: Path, write: Write) -> None:
    class Pairs:
        least_modalities = 2

    write("demo/x.yaml", "_base_: leaf.yaml\ntask_pairs: {type: t_pairs}\n")
    with TASKS.temporarily("t_pairs", Pairs):  # of a built-in the source tells, and the config leaves it out
        assert "task_pairs: needs 2 modalities and the config has 1" in problems(Path("demo/x.yaml"))


def test_a_metric_that_compares_modalities_and_was_asked_for_needs_two(leaf: Path) -> None:
    asked = "evaluation.pairs={type: cross_modal, split: val}"
    assert "evaluation.pairs: needs 2 modalities and the config has 1; drop it" in problems(leaf, asked)


def test_fine_tuning_needs_a_head_and_a_label_and_runs_no_pretext_task(leaf: Path, write: Write) -> None:
    found = problems(leaf, "mode=finetune")
    assert "head: is missing; fine-tuning trains one" in found
    assert "balancer: balances pretext tasks" in problems(leaf, "mode=finetune", "balancer=uncertainty")
    assert "data.label: is missing; fine-tuning learns this label" in found
    assert "task_hide: pretext tasks do not run in fine-tuning" in found
    write("demo/x.yaml", "_base_: leaf.yaml\nmode: finetune\nhead: {type: t_head}\ntask_hide: none\n")
    assert check_config(load_config("demo/x.yaml", ["data.label=kind"])).head == {"type": "t_head"}


def test_items_may_come_from_a_dataset(leaf: Path) -> None:
    assert check_config(load_config(leaf)).data.source is None
    given = ["data.source.type=folder", "data.source.split=test"]
    assert check_config(load_config(leaf, given)).data.source == {"type": "folder", "split": "test"}
    assert "data.source.type: no dataset is named 'foldr'; did you mean 'folder'?" in problems(
        leaf, "data.source.type=foldr"
    )
    assert "data.source.splitt: unknown key" in problems(leaf, *given, "data.source.splitt=x")


def test_hooks_are_a_table_of_parts(leaf: Path, write: Write) -> None:
    write("demo/x.yaml", "_base_: leaf.yaml\nhooks: {mean: {type: ema, decay: 0.5}, enough: {type: early_stopping}}\n")
    config = check_config(load_config("demo/x.yaml", ["hooks.enough=none", "hooks.mean.decay=0.9"]))
    assert config.hooks == {"mean": {"type": "ema", "decay": 0.9}}
    assert "hooks.mean.decey: unknown key; did you mean 'decay'?" in problems("demo/x.yaml", "hooks.mean.decey=1")
    write("demo/y.yaml", "_base_: leaf.yaml\nhooks: [ema]\n")
    assert "hooks: expected hooks by name, got ['ema']" in problems("demo/y.yaml")


def test_a_mistake_from_the_command_line_says_so(leaf: Path) -> None:
    assert problems(leaf, "fusion.heads=many") == "--set: fusion.heads: expected a valid integer, got 'many'"


def test_a_plugin_transform_may_know_what_m5kit_does_not(leaf: Path) -> None:
    class Strange:
        def __init__(self, *, dim: int, bins: int) -> None:
            pass

    from m5kit.registry import ENCODERS, TRANSFORMS

    class Provider:
        provided = frozenset({"bins"})

    class Silent:
        pass

    Strange.filled_in = frozenset({"dim"})
    overrides = ["encoder_a.type=t_strange", "input_a.transform.type=t_provider"]
    with ENCODERS.temporarily("t_strange", Strange):
        for transform in (Provider, Silent):  # one that declares nothing is asked once it is built
            with TRANSFORMS.temporarily("t_provider", transform):
                assert check_config(load_config(leaf, overrides)).encoders == {"a": {"type": "t_strange"}}
        assert problems(leaf, overrides[0]) == "--set: encoder_a.bins: is missing; 't_strange' needs it"


@pytest.mark.parametrize("name", ["cache", "keep"])
def test_an_input_is_cached_by_either_name(leaf: Path, name: str) -> None:
    assert check_config(load_config(leaf, [f"input_a.{name}=true"])).inputs["a"][name] is True
    assert f"input_a.{name}: expected true or false, got 3" in problems(leaf, f"input_a.{name}=3")


@pytest.mark.parametrize("change", ["seed=4294967296", "schedule.lr=.inf", "schedule.lr=.nan", "schedule.clip=.inf"])
def test_numbers_that_no_run_can_use_are_mistakes(leaf: Path, change: str) -> None:
    with pytest.raises(ConfigError, match=change.partition("=")[0]):
        check_config(load_config(leaf, [change]))


def test_the_home_of_the_user_may_be_written_short(leaf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/kim")
    config = check_config(load_config(leaf, ["data.root=~/shop", "init.run=~/runs/first"]))
    assert (config.data.root, config.init.run) == ("/home/kim/shop", "/home/kim/runs/first")


def test_parts_that_do_not_learn_or_learn_at_another_rate_are_parts_of_the_config(leaf: Path) -> None:
    config = check_config(load_config(leaf, ["freeze=[encoder_a]", "rates.fusion=0.1"]))
    assert config.freeze == ("encoder_a",)
    assert config.rates == {"fusion": 0.1}
    assert "freeze: the config has no part 'fuson'; did you mean 'fusion'?" in problems(leaf, "freeze=[fuson]")
    assert "rates: the config has no part 'head'; it has" in problems(leaf, "rates.head=2.0")
    assert "rates: expected a number greater than 0, got 0" in problems(leaf, "rates.fusion=0")
    assert "rates: expected a finite number, got" in problems(leaf, "rates.fusion=.inf")
    assert "rates.fusion: is frozen" in problems(leaf, "freeze=[fusion]", "rates.fusion=0.5")


def test_passes_are_counted_in_batches_of_equal_size(leaf: Path) -> None:
    assert "schedule.epochs: counts batches" in problems(leaf, "schedule.epochs=4", "schedule.tokens=100")
    assert check_config(load_config(leaf, ["schedule.epochs=4"])).schedule.epochs == 4


def test_classes_are_balanced_where_a_label_is_set(leaf: Path) -> None:
    assert "data.balance: balances the classes of data.label" in problems(leaf, "data.balance=label")
    assert "data.balance: expected 'none' or 'label', got 'kind'" in problems(leaf, "data.balance=kind")
    assert check_config(load_config(leaf, ["data.balance=label", "data.label=kind"])).data.balance == "label"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.train=[]", "data.train: expected at least 1 value, got []"),
        ("data.workers=5000", "data.workers: expected a number less than or equal to 1024, got 5000"),
        ("schedule.batch_size=99999999999999999999", "99999999999999999999 has more than 63 bits"),
    ],
)
def test_numbers_that_no_run_could_use_are_refused(leaf: Path, override: str, said: str) -> None:
    assert said in problems(leaf, override)


def test_a_wrong_value_of_a_list_is_told_once(leaf: Path) -> None:
    found = problems(leaf, "data.train=[1]")
    assert "data.train: expected a valid string, got 1" in found
    assert "at least" not in found


def test_a_name_that_is_not_utf_8_is_told_in_words(leaf: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.root: this name is not UTF-8"):
        check_config(load_config(leaf, [], Path("caf\udce9")))
