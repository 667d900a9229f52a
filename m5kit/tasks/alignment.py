"""Alignment: the tokens of two modalities of an item must find each other, by optimal transport."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from m5kit.errors import ConfigError
from m5kit.nn.losses import no_loss
from m5kit.nn.transport import transport_distance
from m5kit.ranges import Count, Positive
from m5kit.registry import TASKS
from m5kit.structures import Facts, Hidden, TaskOutput, Tokens, View
from m5kit.tasks.base import Task


@TASKS.register_module("alignment")
class AlignmentTask(Task):
    """Word-region alignment of UNITER (arXiv 1909.11740) between any two modalities.

    The loss of an item that has both is what it costs to move the one's tokens onto the other's, all of equal mass and
    the summaries left out, at a cost of 1 - cosine. The plan comes from IPOT and carries no gradient. Alone it could be
    lowered by making all tokens alike; give it a small weight beside tasks that forbid that.

    Args:
        between: the two modalities.
        modalities: those of the model.
        reads: align the ``fused`` tokens (UNITER) or the ``encoded`` ones.
        beta: step size of IPOT.
        iterations: its steps.

    Raises:
        ConfigError: ``between`` is not two modalities of the model.
    """

    least_modalities = 2

    def __init__(
        self,
        *,
        between: tuple[str, str],
        modalities: tuple[str, ...],
        reads: Literal["fused", "encoded"] = "fused",
        beta: Positive = 0.5,
        iterations: Count = 50,
    ) -> None:
        super().__init__()
        if len(set(between)) != 2 or not set(between) <= set(modalities):
            raise ConfigError(
                [
                    f"task 'alignment': between must be two of {', '.join(modalities)}, got {', '.join(between)}; "
                    "name others or leave the task out"
                ]
            )
        self.first, self.second = between
        self.reads, self.beta, self.iterations = reads, beta, iterations

    @classmethod
    def example(cls) -> Mapping[str, object]:
        """Arguments for the conformance kit."""
        return {"between": ("a", "b")}

    def count(self, facts: Facts, hidden: Hidden | None = None) -> float:
        """The items with observed tokens of both modalities."""
        # Lengths of observations, without the summary token that encoders add: so 0 here and 1 in ``loss``.
        both = (facts.lengths(self.first) > 0) & (facts.lengths(self.second) > 0)
        return float(both.sum())

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Sum of the distances over the items with observed tokens of both modalities."""
        parts = view.fused.tokens if self.reads == "fused" else view.encoded
        first, second = parts.get(self.first), parts.get(self.second)
        if first is None or second is None:
            return TaskOutput(no_loss(view.features))
        # More than one: the summary token, which every present modality has, takes no part in the transport.
        items = ((first.lengths > 1) & (second.lengths > 1)).nonzero().squeeze(1)
        if len(items) == 0:
            return TaskOutput(no_loss(view.features))
        sides = [_observed(part.select(items)) for part in (first, second)]
        (a, a_mask), (b, b_mask) = sides
        return TaskOutput(transport_distance(a, b, a_mask, b_mask, self.beta, self.iterations).sum())


def _observed(tokens: Tokens) -> tuple[Tensor, Tensor]:
    """Values ``p l d`` and mask ``p l`` without the summary."""
    return tokens.values[:, 1:], tokens.mask[:, 1:]
