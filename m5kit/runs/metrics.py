"""Reads ``metrics.jsonl``, what a run logged at its steps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m5kit.evaluation.functional.averages import is_finite

Curve = Mapping[int, float]
"""A value by step."""


def read_curves(path: Path) -> dict[str, Curve]:
    """Every logged name with its finite values; nothing if there is no such file.

    Args:
        path: the file.
    """
    curves: dict[str, dict[int, float]] = {}
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.split("\n"):
        row = _parsed(line)
        step = row.get("step")
        if not isinstance(step, int) or not is_finite(step):
            continue
        for name, value in row.items():
            if is_finite(value):
                curves.setdefault(name, {})[step] = value
    return dict(curves)


def _parsed(line: str) -> dict[str, Any]:
    """A line as JSON; empty for a line that a killed run left half-written."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
