"""The conformance checks of descriptors."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from m5kit.api import Descriptor, Inputs
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import Outputs, eval_mode_is_deterministic, finite, pickles, same, state_dict_round_trip
from m5kit.testing.report import Checks, Report, Skip, expect

RUBBISH = 7
"""What padding is filled with: a number that bytes, ids and floats can all be."""


@dataclass(frozen=True)
class DescriptorCase:
    """A descriptor that has seen three items, and those items, as its ``example()`` gives them."""

    part: type[Descriptor]
    module: Descriptor
    inputs: Inputs

    @classmethod
    def of(cls, part: type[Descriptor]) -> "DescriptorCase":
        """Take the part's example and fit it."""
        case = cls(part, *part.example())
        case.studied(case.module).fit(case.module.measure(case.inputs))
        return case

    def run(self, module: nn.Module) -> Outputs:
        """The vectors."""
        return {"the vectors": module(self.inputs)}

    def fresh(self) -> Descriptor:
        """Another instance, which has seen nothing."""
        return self.part.example()[0]

    def studied(self, module: Descriptor) -> Descriptor:
        """The same instance, ready to measure."""
        if module.studies:
            module.study(module.pieces(self.inputs))
        return module

    def filled(self, padding: int) -> Inputs:
        """The inputs with something else in their padding."""
        values, lengths = self.inputs.values.clone(), self.inputs.lengths
        if int(lengths.max()) != values.shape[1]:
            raise Skip("its inputs have no axis that is padded")
        for row, length in enumerate(lengths.tolist()):
            values[row, length:] = padding
        return replace(self.inputs, values=values)


CHECKS: Checks[DescriptorCase] = Checks(
    "descriptors", class_checks(Descriptor), (eval_mode_is_deterministic, state_dict_round_trip, pickles)
)


def check_descriptor(part: type[Descriptor] | str, only: Collection[str] | None = None) -> Report:
    """Check a descriptor on its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, DescriptorCase.of, only)


@CHECKS.add
def vectors_have_the_width(case: DescriptorCase) -> None:
    """measure() gives the numbers of all blocks, forward() a vector of the same width."""
    wanted = (len(case.inputs.lengths), case.module.width)
    gives: dict[str, Callable[[Inputs], Tensor]] = {"measure()": case.module.measure, "forward()": case.module}
    for name, give in gives.items():
        found = give(case.inputs)
        expect(tuple(found.shape) == wanted, f"{name} gives {tuple(found.shape)}, the blocks say {wanted}")
        finite({name: found})


@CHECKS.add
def vectors_have_unit_length(case: DescriptorCase) -> None:
    """An item that differs from the corpus' mean has a vector of length 1."""
    lengths = case.module(case.inputs).norm(dim=1)
    expect(
        bool(((lengths - 1).abs() < 1e-3).all()), f"lengths are {lengths.tolist()}; three different items were given"
    )


@CHECKS.add
def nothing_is_trained(case: DescriptorCase) -> None:
    """It has no parameters: what it knows comes from fit() and stays."""
    names = [name for name, _ in case.module.named_parameters()]
    expect(not names, f"{', '.join(names)} would be trained; register buffers instead")
    expect(not case.module(case.inputs).requires_grad, "its vectors carry a gradient")


@CHECKS.add
def fit_is_remembered(case: DescriptorCase) -> None:
    """fit() says that it ran, centres what was measured, and returns what would be measured now."""
    expect(bool(case.module.fitted), "fitted is False after fit(); call super().fit()")
    expect(not case.fresh().fitted, "fitted is True before fit()")
    expect(bool(case.module.centre.any()), "the centre is zero after fit()")
    fresh = case.studied(case.fresh())
    given = fresh.fit(fresh.measure(case.inputs))
    expect(isinstance(given, Tensor), "fit() returns nothing; return what learn() of the base class returns")
    same({"the numbers": given}, {"the numbers": fresh.measure(case.inputs)}, "what fit() returned and measure() gives")


@CHECKS.add
def padding_does_not_leak(case: DescriptorCase) -> None:
    """What stands in padding changes nothing."""
    filled = case.filled(RUBBISH)
    same(case.run(case.module), {"the vectors": case.module(filled)}, "rubbish in the padding")


@CHECKS.add
def items_are_independent(case: DescriptorCase) -> None:
    """An item alone gives the same as among others."""
    together: Tensor = case.module(case.inputs)
    for row in range(len(together)):
        part = slice(row, row + 1)
        extras = {name: fact[part] for name, fact in case.inputs.extras.items()}
        alone = case.module(Inputs(case.inputs.values[part], case.inputs.lengths[part], extras))
        same({"the vector": together[part]}, {"the vector": alone}, f"item {row} alone")


@CHECKS.add
def one_item_can_be_all(case: DescriptorCase) -> None:
    """A corpus of one item, which has no spread, gives finite vectors."""
    module = case.studied(case.fresh())
    module.fit(module.measure(case.inputs)[:1])
    vectors = module(case.inputs)
    finite({"the vectors": vectors})
    expect(bool(vectors.isfinite().all() & (vectors.norm(dim=1) < 1 + 1e-3).all()), "a vector is longer than 1")
    expect(torch.equal(module(case.inputs), vectors), "a second call gives something else")
