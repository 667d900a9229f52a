"""What a metric is compared with where a run began from given vectors: the same metric of these vectors alone."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from m5kit.registry import METRICS


def baseline_space(config: Mapping[str, Any], widths: Mapping[str, int]) -> str | None:
    """The given vectors that a metric's space of public vectors began as; None if it began at random.

    Args:
        config: of the metric.
        widths: by modality, width of its encoder's given vector, 0 if it has none.

    Example:
        >>> baseline_space({"type": "probe", "space": "a"}, {"a": 8, "b": 0})
        'a.given'
        >>> baseline_space({"type": "probe"}, {"a": 8, "b": 8})  # a probe reads items where nothing else is named
        'given'
        >>> baseline_space({"type": "probe"}, {"a": 8, "b": 0}) is None
        True
    """
    space = str(config.get("space") or _usual_space(str(config["type"])))
    if space in widths:
        return f"{space}.given" if widths[space] else None
    seen = config.get("modalities") or tuple(widths)
    given = bool(seen) and all(widths.get(m) for m in seen)
    return "given" if given and space == "item" else None


def _usual_space(metric: str) -> str:
    """The space that a metric reads where its config names none."""
    parameter = signature(METRICS.get(metric)).parameters.get("space")
    return "" if parameter is None else str(parameter.default)
