"""The conformance checks of encoders."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from m5kit.api import Encoder, Inputs, Tokens
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, Outputs, backward, expect_finite_gradients, finite, same
from m5kit.testing.observed import expect_ids, expect_lengths
from m5kit.testing.report import Checks, Report, Skip, expect

RUBBISH = 1e3
"""The value that fills floating padding: finite, because NaN times 0 is NaN, and large enough to show."""


@dataclass(frozen=True)
class EncoderCase:
    """An encoder and inputs of three items, as its ``example()`` gives them."""

    part: type[Encoder]
    module: Encoder
    inputs: Inputs

    @classmethod
    def of(cls, part: type[Encoder]) -> "EncoderCase":
        """Take the part's example."""
        encoder, inputs = part.example()
        return cls(part, encoder, inputs)

    def run(self, module: nn.Module) -> Outputs:
        """Every real token, by item."""
        return by_item(module(self.inputs))

    def fresh(self) -> Encoder:
        """The encoder of another example."""
        return self.part.example()[0]

    @property
    def padded(self) -> bool:
        """Whether the inputs' first axis is one that padding extends (a picture's is not)."""
        lengths = self.inputs.lengths
        return int(lengths.max()) == self.inputs.values.shape[1] and int(lengths.min()) < int(lengths.max())

    def items(self, rows: Tensor, steps: int | None = None) -> Inputs:
        """The inputs of some items, cut to ``steps``."""
        chosen = self.inputs.take(rows)
        if steps is None:
            return chosen
        extras = {name: extra[:, :steps] for name, extra in chosen.extras.items()}
        return Inputs(chosen.values[:, :steps], chosen.lengths, extras)


CHECKS: Checks[EncoderCase] = Checks("encoders", class_checks(Encoder), MODULE_CHECKS)


def check_encoder(part: type[Encoder] | str, only: Collection[str] | None = None) -> Report:
    """Check an encoder on its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, EncoderCase.of, only)


@CHECKS.add
def example_is_varied(case: EncoderCase) -> None:
    """example() gives inputs of three items, of different lengths if the encoder takes lengths."""
    count = len(case.inputs.lengths)
    expect(case.inputs.values.shape[0] == count == 3, f"it gives {count} items; stack three with Inputs.stack")


@CHECKS.add
def observation_is_well_formed(case: EncoderCase) -> None:
    """observe() gives ids p l or features p l e with lengths, groups and roles on the host, and a way to hide ids."""
    seen = case.module.observe(case.inputs)
    shape, floating = tuple(seen.values.shape), seen.values.is_floating_point()
    expect(len(shape) == (3 if floating else 2), f"values of {seen.values.dtype} have shape {shape}")
    expect(shape[0] == len(case.inputs.lengths), f"{shape[0]} rows for {len(case.inputs.lengths)} items")
    expect_lengths(seen.lengths, shape[0], shape[1])
    for name in ("groups", "roles"):
        facts: Tensor | None = getattr(seen, name)
        if facts is not None:
            right = facts.shape == shape[:2] and facts.dtype == torch.int64 and facts.device.type == "cpu"
            expect(right, f"{name} is {facts.dtype} {tuple(facts.shape)}; expected int64 {shape[:2]} on the host")
    if seen.target is not None:
        expect(seen.target.shape[:2] == shape[:2], f"target is {tuple(seen.target.shape)}, values are {shape}")
    if not floating:
        expect_ids(seen)


@CHECKS.add
def target_cannot_collapse(case: EncoderCase) -> None:
    """What a task must predict does not depend on a parameter in training."""
    seen = case.module.train().observe(case.inputs)
    target = seen.values if seen.target is None else seen.target
    expect(not target.requires_grad, "it carries a gradient; set Observation.target to something fixed, or detach it")


@CHECKS.add
def tokens_have_the_width_and_length(case: EncoderCase) -> None:
    """encode() gives tokens p 1+l d of the encoder's width: a summary token first, then one an observed token."""
    seen = case.module.observe(case.inputs)
    tokens = case.module.encode(seen)
    wanted = (seen.values.shape[0], seen.values.shape[1] + 1, case.module.dim)
    expect(tuple(tokens.values.shape) == wanted, f"tokens are {tuple(tokens.values.shape)}, expected {wanted}")
    expect_lengths(tokens.lengths, wanted[0], wanted[1])
    expect(
        torch.equal(tokens.lengths, seen.lengths + 1),
        f"lengths are {tokens.lengths.tolist()}, expected those observed plus one, {(seen.lengths + 1).tolist()}",
    )
    finite(by_item(tokens))


@CHECKS.add
def given_vectors_are_as_declared(case: EncoderCase) -> None:
    """Tokens.given is b e with e = Encoder.given, and None where that is 0; only given vectors can be aligned."""
    declared, given = case.module.given, case.module(case.inputs).given
    shape = None if given is None else tuple(given.shape)
    wanted = (len(case.inputs.lengths), declared) if declared else None
    expect(shape == wanted, f"Tokens.given is {shape}, expected {wanted} because Encoder.given is {declared}")
    expect(bool(declared) or not case.module.aligned, "Encoder.aligned is True, yet Encoder.given is 0")


@CHECKS.add
def padding_of_inputs_does_not_leak(case: EncoderCase) -> None:
    """Rubbish in the padding of the inputs changes no real token."""
    if not case.padded:
        raise Skip("the inputs of all items are equally long")
    values = _filled(case.inputs.values, case.inputs.lengths)
    module = case.module.eval()
    same(case.run(module), by_item(module(replace(case.inputs, values=values))), "inputs with rubbish in the padding")


@CHECKS.add
def padding_of_observation_does_not_leak(case: EncoderCase) -> None:
    """Rubbish in the padding of an observation changes no real token."""
    module = case.module.eval()
    seen = module.observe(case.inputs)
    if int(seen.lengths.min()) == seen.values.shape[1]:
        raise Skip("all items are observed as equally many tokens")
    dirty = replace(seen, values=_filled(seen.values, seen.lengths))
    same(by_item(module.encode(seen)), by_item(module.encode(dirty)), "an observation with rubbish in the padding")


@CHECKS.add
def items_are_independent(case: EncoderCase) -> None:
    """An item alone, without padding, gives the same tokens as among others."""
    module = case.module.eval()
    together = case.run(module)
    for row, length in enumerate(case.inputs.lengths.tolist()):
        # without padding, so that an encoder that lets padding through fails here too
        alone = module(case.items(torch.tensor([row]), length if case.padded else None))
        same({"item 0": together[f"item {row}"]}, by_item(alone), f"item {row} alone")


@CHECKS.add
def order_of_items_is_kept(case: EncoderCase) -> None:
    """Items in another order give the same tokens in that order."""
    module = case.module.eval()
    order = torch.tensor([2, 0, 1])  # a rotation: an encoder that merely reversed the items would pass with a swap
    turned = by_item(module(case.items(order)))
    restored = {}
    for place, row in enumerate(order.tolist()):
        restored[f"item {row}"] = turned[f"item {place}"]
    same(case.run(module), restored, "another order")


@CHECKS.add
def empty_items_are_finite(case: EncoderCase) -> None:
    """An item of which nothing was observed gives finite tokens and gradients and leaves the others alone."""
    module = case.module.eval()
    seen = module.observe(case.inputs)
    lengths = seen.lengths.clone()
    lengths[1] = 0
    tokens = by_item(module.encode(replace(seen, lengths=lengths)))
    finite(tokens)
    whole, others = by_item(module.encode(seen)), dict(tokens)
    del whole["item 1"], others["item 1"]
    same(whole, others, "them")
    backward({name: value.float().square() for name, value in tokens.items()})
    expect_finite_gradients(module)


@CHECKS.add
def hidden_tokens_are_hidden(case: EncoderCase) -> None:
    """encode() reads the observation it is given: hiding tokens changes the summary, hiding all stays finite."""
    module = case.module.eval()
    seen = module.observe(case.inputs)
    # ids are hidden by the mask's id, features by zeros
    blank = torch.zeros_like(seen.values) if seen.mask_id is None else torch.full_like(seen.values, seen.mask_id)
    hidden = module.encode(replace(seen, values=blank))
    finite(by_item(hidden))
    moved = (hidden.summary - module.encode(seen).summary).abs().amax(dim=1)
    expect(bool((moved > 0).all()), "the summary token does not see the tokens that were hidden")


@CHECKS.add
def extracted_inputs_stand_for_inputs(case: EncoderCase) -> None:
    """What an encoder extracts can be cached: nothing that made it learns, and it gives the tokens of the inputs."""
    module = case.module.eval()
    if not module.extracts:
        raise Skip("it has no frozen part to cache (extracts is False)")
    expect(bool(module.frozen_modules()), "frozen_modules() is empty; name the modules that decide what it extracts")
    learning = _learning(module)
    expect(not learning, f"{', '.join(learning[:3])} learns, so cached outputs would be stale; freeze it")
    extracted = module.extract(case.inputs)
    same(case.run(module), by_item(module(extracted)), "extracted inputs")
    wanted = tuple(extracted.values.shape[:2])
    for name, extra in extracted.extras.items():  # they are cut to each item's length when they are cached
        expect(tuple(extra.shape) == wanted, f"its extra {name!r} has shape {tuple(extra.shape)}, expected {wanted}")


def _learning(encoder: Encoder) -> list[str]:
    """Names of trainable parameters in the modules that decide the extracted inputs."""
    found = []
    for name, module in encoder.frozen_modules().items():
        if isinstance(module, Encoder):
            found += [f"{name}.{inner}" for inner in _learning(module)]
        else:
            found += [f"{name}.{inner}" for inner, p in module.named_parameters() if p.requires_grad]
    return found


def by_item(tokens: Tokens) -> dict[str, Tensor]:
    """The real tokens of each item and, in a row with them, its given vector if it has one."""
    items = {}
    for row, length in enumerate(tokens.lengths.tolist()):
        real = tokens.values[row, :length]
        given = None if tokens.given is None else tokens.given[row].to(real.dtype)
        items[f"item {row}"] = real if given is None else torch.cat([real.flatten(), given])
    return items


def _filled(values: Tensor, lengths: Tensor) -> Tensor:
    """``values`` with rubbish past each item's length: large numbers, or an id that occurs."""
    past = torch.arange(values.shape[1]) >= lengths[:, None]
    dirty = values.clone()
    dirty[past] = torch.tensor(RUBBISH).to(values.dtype) if values.is_floating_point() else values.max()
    return dirty
