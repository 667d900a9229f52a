"""The conformance checks of transforms."""

import copy
import json
import pickle
import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from m5kit.api import Inputs, Transform
from m5kit.testing.class_checks import class_checks
from m5kit.testing.report import Checks, Report, Skip, expect


@dataclass(frozen=True)
class TransformCase:
    """A fitted transform and a decoded value, as its ``example()`` gives them."""

    part: type[Transform]
    transform: Transform
    decoded: Any

    @classmethod
    def of(cls, part: type[Transform]) -> "TransformCase":
        """Take the part's example; a transform that learns is fitted on it."""
        transform, decoded = part.example()
        if transform.learns:
            transform.fit([decoded])
        return cls(part, transform, decoded)

    def run(self, seed: int | None = 0) -> Inputs:
        """Transform the value; None for ``seed`` is the deterministic way of evaluation."""
        return self.transform(self.decoded, None if seed is None else np.random.default_rng(seed))


CHECKS: Checks[TransformCase] = Checks("transforms", class_checks(Transform))


def check_transform(part: type[Transform] | str, only: Collection[str] | None = None) -> Report:
    """Check a transform on its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, TransformCase.of, only)


@CHECKS.add
def output_is_well_formed(case: TransformCase) -> None:
    """It gives Inputs of one item: a scalar length that fits, int64 extras as long as the values, all on the host."""
    for given in (case.run(), case.run(None), case.transform.blank()):
        expect(isinstance(given, Inputs), f"it gives a {type(given).__name__}; return Inputs.single(values)")
        size, length = given.values.shape[0], given.lengths
        right = length.dim() == 0 and length.dtype == torch.int64 and 0 <= int(length) <= size
        expect(right, f"lengths is {length!r} for {size} steps")
        for name, extra in given.extras.items():
            fits = extra.dtype == torch.int64 and extra.shape[:1] in ((), (size,))
            expect(fits, f"extra {name!r} is {extra.dtype} {tuple(extra.shape)} for {size} steps")
        expect(given.values.device.type == "cpu", "the values are not on the host")
        expect(not given.values.is_floating_point() or bool(given.values.isfinite().all()), "it gives NaN or infinity")


@CHECKS.add
def same_generator_gives_the_same(case: TransformCase) -> None:
    """The same generator, or none, gives the same."""
    for seed in (5, None):
        first = case.run(seed)
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        expect(_equal(first, case.run(seed)), f"two calls with {'one seed' if seed else 'no generator'} differ")


@CHECKS.add
def global_randomness_is_left_alone(case: TransformCase) -> None:
    """Randomness comes from the generator only; the global states of random, numpy and torch do not move."""
    before = _random_states()
    case.run()
    case.run(None)
    after = _random_states()
    moved = [name for name, state in before.items() if after[name] != state]
    expect(not moved, f"it drew from {', '.join(moved)}")


@CHECKS.add
def input_is_left_alone(case: TransformCase) -> None:
    """The decoded value is not changed."""
    # copied before it is pickled: strings shared within a value would otherwise change the bytes
    before = pickle.dumps(copy.deepcopy(case.decoded))
    case.run()
    expect(pickle.dumps(copy.deepcopy(case.decoded)) == before, "the decoded value was changed in place; copy it")


@CHECKS.add
def pickles(case: TransformCase) -> None:
    """A copy that went through pickle, as to a worker process, gives the same."""
    other = pickle.loads(pickle.dumps(case.transform))
    same = _equal(case.run(5), other(case.decoded, np.random.default_rng(5)))
    expect(same, "the copy gives something else; keep what is needed in attributes")


@CHECKS.add
def blank_goes_with_the_rest(case: TransformCase) -> None:
    """blank() holds zeros and can be stacked with the inputs of real items."""
    blank, real = case.transform.blank(), case.run()
    expect(not blank.values.any(), "its values are not zeros")
    expect(blank.values.dtype == real.values.dtype, f"it is {blank.values.dtype}, real ones are {real.values.dtype}")
    expect(
        blank.extras.keys() == real.extras.keys(), f"its extras are {sorted(blank.extras)}, not {sorted(real.extras)}"
    )
    # raises if shapes or extras differ
    Inputs.stack([blank, real, case.run(None)])


@CHECKS.add
def provides_plain_numbers(case: TransformCase) -> None:
    """provides() gives whole numbers by the name of a constructor's argument; the class declares the names."""
    facts, declared = case.transform.provides(), case.part.provided
    for name, fact in facts.items():
        expect(name.isidentifier() and type(fact) is int, f"{name!r} is {fact!r}")
    if declared is not None:
        given = ", ".join(sorted(facts)) or "nothing"
        expect(facts.keys() == declared, f"it gives {given}; the attribute provided says {', '.join(sorted(declared))}")


@CHECKS.add
def state_is_json(case: TransformCase) -> None:
    """What fit() learned goes through JSON into another instance, which then gives the same and provides the same."""
    state = json.loads(json.dumps(case.transform.state()))
    if not state:
        if case.transform.learns:
            raise AssertionError("it overrides fit() and keeps nothing of what it learned; return it from state()")
        raise Skip("it learns nothing")
    # a new instance that was not fitted, as in a worker or a resumed run
    other = case.part.example()[0]
    other.load_state(state)
    expect(other.provides() == case.transform.provides(), f"the other provides {dict(other.provides())}")
    expect(_equal(case.run(None), other(case.decoded, None)), "the other instance gives something else")


def _equal(one: Inputs, other: Inputs) -> bool:
    """Whether two inputs hold the same values, lengths and extras."""
    if one.extras.keys() != other.extras.keys():
        return False
    for name, extra in one.extras.items():
        if not torch.equal(extra, other.extras[name]):
            return False
    return torch.equal(one.values, other.values) and torch.equal(one.lengths, other.lengths)


def _random_states() -> dict[str, bytes]:
    """The states of the global generators by name, as values that can be compared."""
    numpy_state = pickle.dumps(np.random.get_state())
    return {
        "random": pickle.dumps(random.getstate()),
        "numpy.random": numpy_state,
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
