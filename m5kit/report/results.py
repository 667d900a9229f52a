"""Results as rows for a table, whoever prints it."""

from collections.abc import Mapping
from typing import Any

HEADINGS = ("task", "figure", "value", "95 % interval", "chance", "items")


def result_rows(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[tuple[str, ...]]:
    """One row a figure of what ``results.json`` holds under ``results``, in its order; a task's name stands once.

    Example:
        >>> figure = {"value": 0.5, "chance": 0.1, "low": 0.4, "high": 0.6, "count": 20}
        >>> result_rows({"coarse": {"recall@1": figure, "mrr": figure | {"low": None}}})
        [('coarse', 'recall@1', '0.500', '0.400 to 0.600', '0.100', '20'), ('', 'mrr', '0.500', '', '0.100', '20')]
    """
    return [
        (
            "" if row else task,
            name,
            _number(figure["value"]),
            _interval(figure["low"], figure["high"]),
            _number(figure["chance"]),
            str(figure["count"]),
        )
        for task, figures in results.items()
        for row, (name, figure) in enumerate(figures.items())
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
