"""What metrics lose when vectors are shortened or stored in fewer bits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from m5kit.errors import ConfigError, UsageError
from m5kit.evaluation.base import Embedded, Metric, Request
from m5kit.evaluation.precision import BITS, Precision, check_size
from m5kit.inference.evaluation import Evaluation, answerable_requests, build_chosen, compute
from m5kit.inference.shortening import is_nested, shorten
from m5kit.inference.trained_run import TrainedRun


@dataclass(frozen=True, slots=True)
class Size:
    """A size of vectors.

    Attributes:
        width: numbers that are kept; None for all.
        precision: of each.
    """

    width: int | None
    precision: Precision

    def bytes(self, whole: int) -> int:
        """What a vector takes whose whole width is ``whole``."""
        return -(-(self.width or whole) * BITS[self.precision] // 8)

    def of(self, embedded: Embedded, nested: bool) -> Embedded:
        """What is left of vectors; those that are no wider stay as wide as they are."""
        width = self.width
        if width is not None and width >= embedded.vectors.shape[1]:
            width = None
        return replace(embedded, vectors=shorten(embedded.vectors, width, self.precision, nested))


@dataclass(frozen=True, slots=True)
class SizedEvaluation:
    """The values at one size.

    Attributes:
        size: of the vectors.
        bytes: that the vector of an item takes, in the space ``item``, or in the widest that a metric reads.
        evaluation: the values by metric.
    """

    size: Size
    bytes: int
    evaluation: Evaluation

    def as_json(self) -> dict[str, Any]:
        """The size beside what ``results.json`` would hold."""
        about = {"width": self.size.width, "precision": self.size.precision, "bytes": self.bytes}
        return about | self.evaluation.as_json()


def sizes(widths: Sequence[int], precisions: Sequence[str]) -> list[Size]:
    """The whole vectors, then every width in every precision.

    Raises:
        ConfigError: every size that cannot be.
    """
    found = [Size(None, "float32")]
    problems: list[str] = []
    for width in widths:
        for precision in precisions or ["float32"]:
            try:
                check_size("item", width, precision)
            except ConfigError as error:
                problems += error.problems
            else:
                found.append(Size(width, precision))  # type: ignore[arg-type]  # checked
    if not widths:
        problems.append("widths: give the widths to compare, such as --widths 64,128")
    if problems:
        raise UsageError(list(dict.fromkeys(problems)))
    return found


def evaluate_sizes(
    run: TrainedRun, chosen: Sequence[Size], metrics: Sequence[str] | None = None
) -> list[SizedEvaluation]:
    """Run metrics at several sizes; items are embedded once. Of several processes only the first gets values.

    Metrics of vectors that have lengths (the space ``unscaled``) are left out.

    Args:
        run: trained.
        chosen: sizes, see :func:`sizes`.
        metrics: names from the config's ``evaluation``; None for all.

    Raises:
        ConfigError: an unknown metric.
    """
    built = {name: metric for name, metric in build_chosen(run, metrics).items() if not _reads_lengths(metric)}
    requests = answerable_requests(built.values(), run.data.manifest.split_sizes())
    embedded = run.embed(requests)
    if not run.group.first:
        return []
    whole = _item_width(embedded)
    found = []
    for size in chosen:
        short = {}
        for request, each in embedded.items():
            short[request] = size.of(each, is_nested(run.config, request.space))
        found.append(SizedEvaluation(size, size.bytes(whole), compute(run, built, short)))
    return found


def _reads_lengths(metric: Metric) -> bool:
    return any(request.space == "unscaled" for request in metric.requests())


def _item_width(embedded: Mapping[Request, Embedded]) -> int:
    """The width of the space ``item``, or of the widest if no metric reads that."""
    widths: dict[str, int] = {}
    for request, each in embedded.items():
        widths[request.space] = each.vectors.shape[1]
    return widths.get("item") or max(widths.values())
