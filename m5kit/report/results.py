"""Metric values as rows of a table, for the terminal or a page."""

from collections.abc import Mapping, Sequence
from typing import Any

from m5kit.evaluation.functional.averages import is_finite

HEADINGS = ("task", "metric", "value", "95 % interval", "chance", "items")


MOST_DETAILS = 16
"""Values of pairs, strengths and the like that a task's part of a printed table may have."""


def main_values(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The results without the values of pairs and strengths, except their means, where a task has very many of those.

    Example:
        >>> values = {f"mrr|{pair}": {"value": 0.5} for pair in ("mean", *map(str, range(20)))}
        >>> main_values({"few": {"mrr|a->b": {"value": 0.5}}, "many": values})
        {'few': {'mrr|a->b': {'value': 0.5}}, 'many': {'mrr|mean': {'value': 0.5}}}
    """
    shown = {}
    for task, values in results.items():
        details = [name for name in values if "|" in name and not name.endswith(("|mean", "|relative"))]
        hidden = details if len(details) > MOST_DETAILS else []
        shown[task] = {name: value for name, value in values.items() if name not in hidden}
    return shown


def result_rows(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[tuple[str, ...]]:
    """One row a metric of what ``results.json`` holds under ``results``, in its order; a task's name stands once.

    Example:
        >>> value = {"value": 0.5, "chance": 0.1, "low": 0.4, "high": 0.6, "count": 20}
        >>> result_rows({"coarse": {"recall@1": value, "mrr": value | {"low": None}}})
        [('coarse', 'recall@1', '0.500', '0.400 to 0.600', '0.100', '20'), ('', 'mrr', '0.500', '', '0.100', '20')]
    """
    rows: list[tuple[str, ...]] = []
    for task, values in results.items():
        for number, (name, found) in enumerate(values.items()):
            row = (
                "" if number else task,
                name,
                _number(found["value"]),
                _interval(found["low"], found["high"]),
                _number(found["chance"]),
                str(found["count"]),
            )
            rows.append(row)
    return rows


def size_headings(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The size, then each metric with the name of its main value."""
    mains = [f"{metric}/{_main(values)}" for metric, values in found[0]["results"].items()]
    return ["width", "precision", "bytes", *mains]


def size_rows(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """One row a size of what an evaluation of several sizes gives, in its order.

    Example:
        >>> size = {"width": None, "precision": "float32", "bytes": 256, "results": {"coarse": {"mrr": {"value": 0.5}}}}
        >>> size_rows([size, size | {"width": 32, "precision": "binary", "bytes": 4}])
        [['whole', 'float32', '256', '0.500'], ['32', 'binary', '4', '0.500']]
    """
    rows = []
    for each in found:
        mains = [_number(values[_main(values)]["value"]) for values in each["results"].values()]
        width = "whole" if each["width"] is None else str(each["width"])
        rows.append([width, each["precision"], str(each["bytes"]), *mains])
    return rows


def _main(values: Mapping[str, Mapping[str, Any]]) -> str:
    """The value that stands for a metric: the mean over pairs, the search depth of most tables, else the first."""
    for name in values:
        if name in ("map_std@10", "recall@10") or name.endswith("recall@10|mean"):
            return name
    return next(iter(values))


def _number(value: Any) -> str:
    return f"{value:.3f}" if is_finite(value) else ""


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
