"""The conformance checks of readouts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from m5kit.api import Readout, Tokens
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, Outputs, backward, finite, same
from m5kit.testing.report import Checks, Report, expect
from m5kit.testing.views import DIM

LAYOUT = (2, 2)
FRAMES = 2
"""The most frames of an item, each of four tokens."""
RUBBISH = 1e3
"""What padding and absent rows are filled with."""


@dataclass(frozen=True)
class ReadoutCase:
    """A readout of tokens that stand in a grid, and tokens of items of two frames, of one, and of none."""

    part: type[Readout]
    make: Callable[[], Readout]
    module: Readout
    tokens: Tokens

    @classmethod
    def of(cls, part: type[Readout]) -> "ReadoutCase":
        """Build the readout and its tokens."""
        make: Callable[[], Readout] = partial(build, part, dim=DIM, layout=LAYOUT)
        lengths = torch.tensor([1 + FRAMES * 4, 5, 0])
        return cls(part, make, make(), _tokens(torch.randn(3, 1 + FRAMES * 4, DIM), lengths, 0.0))

    def run(self, module: nn.Module) -> Outputs:
        """The vectors."""
        return {"the vectors": module(self.tokens)}

    def fresh(self) -> Readout:
        """Another instance."""
        return self.make()


CHECKS: Checks[ReadoutCase] = Checks("readouts", class_checks(Readout), MODULE_CHECKS)


def check_readout(part: type[Readout] | str, only: Collection[str] | None = None) -> Report:
    """Check a readout; arguments beyond ``dim`` and ``layout`` that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, ReadoutCase.of, only)


@CHECKS.add
def vectors_have_the_width(case: ReadoutCase) -> None:
    """It gives one floating vector an item, of the width that its attribute says."""
    vectors: Tensor = case.module(case.tokens)
    wanted = (len(case.tokens.lengths), getattr(case.module, "width", None))
    expect(tuple(vectors.shape) == wanted, f"they are {tuple(vectors.shape)}, the attribute width says {wanted}")
    expect(vectors.is_floating_point(), f"they are {vectors.dtype}")


@CHECKS.add
def absent_gives_zeros(case: ReadoutCase) -> None:
    """An item without the modality has a vector of zeros, whatever stands in its row."""
    tokens = _tokens(case.tokens.values, case.tokens.lengths, RUBBISH)
    expect(not case.module.eval()(tokens)[-1].any(), "the vector of an item with nothing is not zero")


@CHECKS.add
def padding_does_not_leak(case: ReadoutCase) -> None:
    """What stands in padding changes nothing."""
    module = case.module.eval()
    dirty = _tokens(case.tokens.values, case.tokens.lengths, RUBBISH)
    same(case.run(module), {"the vectors": module(dirty)}, "rubbish in the padding")


@CHECKS.add
def items_are_independent(case: ReadoutCase) -> None:
    """An item alone, cut to its own length, gives the same as among others."""
    module, tokens = case.module.eval(), case.tokens
    together = module(tokens)
    for row, length in enumerate(tokens.lengths.tolist()):
        part = slice(row, row + 1)
        alone = Tokens(tokens.values[part, : max(length, 1)], tokens.lengths[part])
        same({"the vector": together[part]}, {"the vector": module(alone)}, f"item {row} alone")


@CHECKS.add
def gradients_are_finite(case: ReadoutCase) -> None:
    """Gradients are finite, also where all tokens of an item are alike and where it has none."""
    for values in (case.tokens.values, torch.ones_like(case.tokens.values)):
        leaf = _tokens(values, case.tokens.lengths, 0.0).values.requires_grad_()
        outputs = {"the vectors": case.module(Tokens(leaf, case.tokens.lengths))}
        finite(outputs)
        backward(outputs)
        finite({"the gradient of the tokens": leaf.grad} if leaf.grad is not None else {})


@CHECKS.add
def reads_plain_sequences(case: ReadoutCase) -> None:
    """Built for an encoder without a layout it reads a sequence of any length."""
    module = build(case.part, dim=DIM, layout=None).eval()
    tokens = _tokens(torch.randn(2, 4, DIM), torch.tensor([4, 2]), 0.0)
    vectors = module(tokens)
    wanted = (2, module.width)
    expect(tuple(vectors.shape) == wanted, f"the vectors are {tuple(vectors.shape)}, expected {wanted}")
    finite({"the vectors": vectors})


def _tokens(values: Tensor, lengths: Tensor, padding: float) -> Tokens:
    """Tokens with ``padding`` where nothing is."""
    mask = torch.arange(values.shape[1]) < lengths[:, None]
    return Tokens(values.masked_fill(~mask[..., None], padding), lengths)
