"""Fits the metrics of a config to the splits and labels that the items have."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from m5kit.assembly.contents import Contents

Specs = Mapping[str, Mapping[str, Any]]
"""Metrics by name, as a config has them."""

_SPLITS = ("split", "query", "gallery", "train", "val", "test", "catalogue")
"""Arguments of metrics that name a split."""
_HELD_OUT = ("test", "val", "gallery", "query")
"""Names of splits that are not trained on, the best first."""
_MOST_LABELS = 3


@dataclass(frozen=True, slots=True)
class SuitedMetrics:
    """Metrics for the items that are there.

    Attributes:
        metrics: by name; those that cannot be computed stay as they are, so that the evaluation says why it skips them.
        notes: a sentence for each change.
    """

    metrics: Specs
    notes: tuple[str, ...]


def hand_written_problems(metrics: Specs, contents: Contents) -> Iterator[str]:
    """Splits and labels of metrics that somebody asked for by hand, and that no item has."""
    for name, metric in metrics.items():
        for argument in _SPLITS:
            split = metric.get(argument)
            if isinstance(split, str) and split not in contents.splits:
                there = ", ".join(contents.splits)
                yield f"evaluation.{name}.{argument}: there is no split {split!r}; there are: {there}"
        label = metric.get("label", "id")
        if label != "id" and label not in contents.labels:
            known = ", ".join(sorted(contents.labels)) or "none"
            yield f"evaluation.{name}.label: no item has the label {label!r}; there are: {known}"


def suit_metrics(metrics: Specs, contents: Contents, trained_on: Sequence[str]) -> SuitedMetrics:
    """Metrics as the config has them, but on splits and labels that are there.

    Args:
        metrics: that nobody has asked for by hand.
        contents: of the dataset.
        trained_on: splits that the run is trained on.
    """
    held_out = _held_out(contents, trained_on)
    moved: dict[str, None] = {}  # a set that keeps the order
    placed = {}
    for name, metric in metrics.items():
        placed[name] = _placed(metric, contents.splits, held_out, trained_on, moved)
    notes = _split_notes(list(moved), held_out, trained_on)
    labelled, absent, used = _relabelled(placed, contents)
    if absent:
        notes.append(f"no item has the label {' or '.join(absent)}: metrics are computed for {', '.join(used)}")
    skipped = unlabelled(labelled, contents)
    if skipped:
        labels = " or ".join(dict.fromkeys(skipped.values()))
        notes.append(f"no item has the label {labels}, and none stands in: {', '.join(skipped)} will be skipped")
    return SuitedMetrics(labelled, tuple(notes))


def unlabelled(metrics: Specs, contents: Contents) -> dict[str, str]:
    """By metric the label that it asks for and that no item has; only metrics that ask for such a one."""
    asked = {name: str(metric["label"]) for name, metric in metrics.items() if metric.get("label") is not None}
    return {name: label for name, label in asked.items() if label != "id" and label not in contents.labels}


def _held_out(contents: Contents, trained_on: Sequence[str]) -> str | None:
    """The split to measure on where the one that a metric names is not there; None if all are trained on."""
    others = {split: size for split, size in contents.splits.items() if split not in trained_on}
    for split in _HELD_OUT:
        if split in others:
            return split
    return max(others, key=lambda split: others[split]) if others else None


def _placed(
    metric: Mapping[str, Any],
    splits: Mapping[str, int],
    held_out: str | None,
    trained_on: Sequence[str],
    moved: dict[str, None],
) -> dict[str, Any]:
    """A metric with other splits in place of those that are not there, whose names are added to ``moved``."""
    placed = dict(metric)
    for argument in _SPLITS:
        split = metric.get(argument)
        if not isinstance(split, str) or split in splits:
            continue
        if argument == "val":  # without a split to choose by there is nothing to choose
            del placed["val"]
            placed.pop("strengths", None)
        elif argument == "query" and {"query", "gallery"} <= splits.keys():
            placed |= {"query": "query", "gallery": "gallery"}
            moved[split] = None
        elif argument == "train":
            placed["train"] = trained_on[0]
        elif held_out is not None:
            placed[argument] = held_out
            moved[split] = None
        elif "train" not in metric:  # what is fitted to items must be measured on others
            placed[argument] = trained_on[0]
            moved[split] = None
    if placed.get("val") == placed.get("test"):
        placed.pop("val", None)
        placed.pop("strengths", None)
    return placed


def _split_notes(moved: Sequence[str], held_out: str | None, trained_on: Sequence[str]) -> list[str]:
    if not moved:
        return []
    if held_out is None:
        return [
            f"no items are held out: there is only the split {trained_on[0]}, which is trained on; "
            "what can be measured is measured there and flatters the model"
        ]
    return [f"there is no split {' or '.join(moved)}: metrics are computed on {held_out}"]


def _relabelled(metrics: Specs, contents: Contents) -> tuple[Specs, list[str], list[str]]:
    """Metrics for labels that are there, the labels that were asked for and are not, and those that took their place.

    A metric that is named after its label is named after the other one too.
    """
    asked = {str(metric.get("label", "id")) for metric in metrics.values()}
    unused = [label for label in contents.shared if label not in asked][:_MOST_LABELS]
    known: Set[str] = contents.labels | {"id"}
    absent: dict[str, None] = {}
    found: dict[str, Mapping[str, Any]] = {}
    for name, metric in metrics.items():
        label = metric.get("label", "id")
        if label in known or not unused:
            found.setdefault(name, metric)
            continue
        absent[label] = None
        for other in unused:
            if name == label:
                renamed = other
            elif len(unused) == 1:
                renamed = name
            else:
                renamed = f"{name}_{other}"
            found.setdefault(renamed, {**metric, "label": other})
    return found, list(absent), unused
