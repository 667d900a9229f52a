"""Every family's checks under one name, for callers that do not know which family a part is of."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from m5kit.errors import ContractError
from m5kit.testing import (
    balancer,
    dataset,
    decoder,
    encoder,
    exporter,
    fusion,
    harmonizer,
    head,
    hook,
    metric,
    task,
    transform,
)
from m5kit.testing.report import Checks, Report

_FAMILIES: Mapping[str, tuple[Callable[..., Report], Checks[Any]]] = {
    "encoders": (encoder.check_encoder, encoder.CHECKS),
    "fusions": (fusion.check_fusion, fusion.CHECKS),
    "harmonizers": (harmonizer.check_harmonizer, harmonizer.CHECKS),
    "tasks": (task.check_task, task.CHECKS),
    "balancers": (balancer.check_balancer, balancer.CHECKS),
    "heads": (head.check_head, head.CHECKS),
    "metrics": (metric.check_metric, metric.CHECKS),
    "exporters": (exporter.check_exporter, exporter.CHECKS),
    "hooks": (hook.check_hook, hook.CHECKS),
    "decoders": (decoder.check_decoder, decoder.CHECKS),
    "transforms": (transform.check_transform, transform.CHECKS),
    "datasets": (dataset.check_dataset, dataset.CHECKS),
}


def check(family: str, part: type | str, only: Collection[str] | None = None) -> Report:
    """Check a part of any family.

    Args:
        family: plural name, as a registry's.
        part: the class, or the name of a registered one.
        only: names of the checks to run; all of them if None.

    Raises:
        ConformanceError: a check failed, or none ran.
        ContractError: there are no checks for such a family.
    """
    return _of(family)[0](part, only)


def check_names(family: str) -> list[str]:
    """The names of a family's checks, in order."""
    return _of(family)[1].names


def _of(family: str) -> tuple[Callable[..., Report], Checks[Any]]:
    if family not in _FAMILIES:
        raise ContractError(f"there are no checks for {family!r}; there are for {', '.join(_FAMILIES)}")
    return _FAMILIES[family]
