"""Fits a config to its data before training: one config serves items of any modalities, splits and labels.

What the data lack is left out and said; what somebody asked for by hand and cannot have is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from m5kit.assembly.contents import Contents, read_contents
from m5kit.config import Resolved, RunConfig, check_config
from m5kit.config.sections import FAMILIES_BY_KEY
from m5kit.errors import ConfigError, DataError
from m5kit.inference.evaluation_check import metric_problems, missing_modalities
from m5kit.inference.suited_metrics import hand_written_problems, suit_metrics, unlabelled

Compose = Callable[[Sequence[str]], Resolved]
"""Composes the config with overrides."""


def suit_config(
    compose: Compose,
    overrides: Sequence[str],
    look: Callable[[RunConfig], Contents] = read_contents,
    measured: bool = False,
) -> Resolved:
    """The config without modalities that no training item has, its metrics and steps on the items that are there.

    Args:
        compose: the config.
        overrides: of the user, who wants what they name.
        look: finds out what the items hold; whoever fits many configs to the same items may remember it.
        measured: whether a run that ends without the value of a metric is a mistake.

    Returns:
        The config to train; its notes say what was changed.

    Raises:
        ConfigError: the config has mistakes, or something that was asked for by hand cannot be had.
        DataError: the items cannot be read, or have nothing that the config reads.
    """
    named = [override.partition("=")[0].strip() for override in overrides]
    resolved = compose(overrides)
    config = check_config(resolved)
    contents = look(config)
    # weights of a run fit its whole model; what its items had and these lack is simply never seen
    absent = [] if config.init.run else _absent(config, contents, named)
    if absent:
        # values set in what goes would have nothing to be set in
        left = [each for each, key in zip(overrides, named, strict=True) if not _belongs_to(key, absent)]
        composed = compose([*left, *(f"encoder_{modality}=none" for modality in absent)])
        note = f"{_none_of(contents)} {_either(absent)}: left out with all that needs it"
        notes = [each for each in composed.notes if not _is_about(each, absent)]
        resolved = replace(composed, notes=(note, *notes))
    if "schedule.batch_size" not in named:
        resolved = _with_suited_steps(resolved, config, contents)
    suited = _with_suited_metrics(resolved, check_config(resolved), contents, named)
    problems = list(metric_problems(check_config(suited)))
    if measured:
        problems += _nothing_to_measure(suited.values["evaluation"], contents)
    if problems:
        raise ConfigError(problems)
    return suited


def _nothing_to_measure(metrics: Mapping[str, Mapping[str, Any]], contents: Contents) -> list[str]:
    """What is wrong where all metrics ask for labels that no item has; nothing where one of them can be computed."""
    lacking = unlabelled(metrics, contents)
    if not metrics or len(lacking) < len(metrics):
        return []
    return [
        f"evaluation: no item has the label {_either(list(dict.fromkeys(lacking.values())))}, which every metric asks "
        f"for ({', '.join(lacking)}), so training would end without a value; label the items, take a metric without "
        "labels (docs/howto/evaluate.md), or train without metrics: --set evaluation=none"
    ]


def _absent(config: RunConfig, contents: Contents, named: Sequence[str]) -> list[str]:
    """The modalities whose encoders would have nothing to learn from.

    Raises:
        ConfigError: somebody wants one of them.
        DataError: nothing is left.
    """
    absent = sorted(set(config.encoders) - contents.modalities)
    if absent and len(absent) == len(config.encoders):
        raise DataError(
            f"{_none_of(contents)} {_either(absent)}, which is all that the config reads; see what there is with: "
            f"m5kit data stats {config.data.root}"
        )
    # whoever picks a piece wants it; a value for all that there may be, such as a folder of weights, means less
    wanted = [modality for modality in absent if {f"encoder_{modality}", f"input_{modality}"} & set(named)]
    if wanted:
        raise ConfigError(
            [f"encoder_{m}: {_none_of(contents)} {m}; drop it with --set encoder_{m}=none" for m in wanted]
        )
    return absent


def _belongs_to(key: str, modalities: Sequence[str]) -> bool:
    """Whether a key is of an encoder, an input or the like of one of the modalities."""
    family, _, modality = key.partition(".")[0].partition("_")
    return family in FAMILIES_BY_KEY and modality in modalities


def _none_of(contents: Contents) -> str:
    return f"none of {contents.looked_at} training items has"


def _either(names: Sequence[str]) -> str:
    """The names as a sentence has them: ``a, b or c``."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _is_about(note: str, absent: Sequence[str]) -> bool:
    """Whether a note of the composition tells what went with the encoder of an absent modality."""
    keys = [f"encoder_{modality}" for modality in absent]
    return note.endswith(tuple(keys)) or note.startswith(tuple(f"dropped with {key}:" for key in keys))


def _with_suited_steps(resolved: Resolved, config: RunConfig, contents: Contents) -> Resolved:
    """Steps of as many items as there are, where the config wants more."""
    there = sum(contents.splits.get(split, 0) for split in config.data.train)
    if config.schedule.tokens is not None or not 0 < there < config.schedule.batch_size:
        return resolved
    note = f"a step has all {there} training items: the config's {config.schedule.batch_size} are more than there are"
    schedule = {**resolved.values["schedule"], "batch_size": there}
    return replace(resolved, values={**resolved.values, "schedule": schedule}, notes=(*resolved.notes, note))


def _with_suited_metrics(resolved: Resolved, config: RunConfig, contents: Contents, named: Sequence[str]) -> Resolved:
    by_hand: dict[str, Mapping[str, Any]] = {}
    others: dict[str, Mapping[str, Any]] = {}
    unseen = missing_modalities(config)
    for name, metric in config.evaluation.items():
        if any(f"{key}.".startswith(f"evaluation.{name}.") for key in named):
            by_hand[name] = metric
        elif name not in unseen:
            others[name] = metric
    problems = list(hand_written_problems(by_hand, contents))
    if problems:
        raise ConfigError(problems)
    suited = suit_metrics(others, contents, config.data.train)
    notes = list(suited.notes)
    left_out = sorted(unseen.keys() - by_hand.keys())
    if left_out:
        notes.append(f"metrics that ask for a modality which the model lacks are left out: {', '.join(left_out)}")
    values = {**resolved.values, "evaluation": {**suited.metrics, **by_hand}}
    return replace(resolved, values=values, notes=(*resolved.notes, *notes))
