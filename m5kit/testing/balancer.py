"""The conformance checks of balancers."""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from m5kit.api import Balanced, Balancer
from m5kit.registry import BALANCERS
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, Outputs, finite, same
from m5kit.testing.report import Checks, Report, expect

TASKS = ("easy", "hard", "rare")
ALL = (True, True, True)
SCALES = (1.0, 30.0, 0.05)
"""Sizes of the losses, as a real run mixes them."""
STEPS = 12


@dataclass(frozen=True)
class Losses:
    """Three losses over tokens of two modalities, as one batch of a run gives them."""

    losses: list[Tensor]
    present: Tensor
    shared: list[Tensor]

    @classmethod
    def of(cls, step: int, there: tuple[bool, ...] = ALL, scale: float = 1.0) -> "Losses":
        """The losses of batch ``step``; they fall at different pace, and an absent one is 0."""
        generator = torch.Generator().manual_seed(step)
        shared = [torch.randn(4, 3, 8, generator=generator).requires_grad_() for _ in range(2 if any(there) else 0)]
        losses = []
        for number, (size, present) in enumerate(zip(SCALES, there, strict=True)):
            loss = sum((each.square().mean() for each in shared), torch.zeros(()))
            losses.append(loss * size * scale / (1 + step * (number + 1)) if present else loss * 0)
        return cls(losses, torch.tensor(there), shared)


@dataclass(frozen=True)
class BalancerCase:
    """A balancer of three tasks."""

    part: type[Balancer]
    make: Callable[[], Balancer]
    module: Balancer

    @classmethod
    def of(cls, part: type[Balancer]) -> "BalancerCase":
        """Build the balancer."""
        make: Callable[[], Balancer] = partial(build, part, tasks=TASKS)
        return cls(part, make, make())

    def run(self, module: nn.Module) -> Outputs:
        """Terms and weights of one batch."""
        return flat(balance(module, Losses.of(0)))

    def fresh(self) -> Balancer:
        """Another instance."""
        return self.make()


CHECKS: Checks[BalancerCase] = Checks("balancers", class_checks(Balancer), MODULE_CHECKS)


def check_balancer(part: type[Balancer] | str, only: Collection[str] | None = None) -> Report:
    """Check a balancer; arguments beyond ``tasks`` that have no default come from its ``example()``.

    Args:
        part: the class, or the name of a registered one.
        only: names of the checks to run; all of them if None.

    Raises:
        ConformanceError: a check failed, or none ran.
    """
    balancer = BALANCERS.get(part) if isinstance(part, str) else part
    return CHECKS.run(balancer, lambda: BalancerCase.of(balancer), only)


@CHECKS.add
def output_is_well_formed(case: BalancerCase) -> None:
    """It gives Balanced: terms t, and weights t without gradient, none negative, or None."""
    balanced = balance(case.module.train(), Losses.of(0))
    expect(isinstance(balanced, Balanced), f"it gives a {type(balanced).__name__}; return Balanced(terms, weights)")
    expect(balanced.terms.shape == (len(TASKS),), f"terms has shape {tuple(balanced.terms.shape)}")
    if balanced.weights is not None:
        expect(balanced.weights.shape == (len(TASKS),), f"weights has shape {tuple(balanced.weights.shape)}")
        expect(not balanced.weights.requires_grad, "weights carries a gradient; detach it")
        expect(bool((balanced.weights >= 0).all()), f"a weight is negative: {balanced.weights.tolist()}")


@CHECKS.add
def weights_are_what_reaches_the_model(case: BalancerCase) -> None:
    """In every step each loss gets its weight as gradient from its own term (1 without weights), none from others."""
    module = case.module.train()
    for step in range(STEPS):
        made = Losses.of(step)
        balanced = balance(module, made)
        expected = torch.ones(len(TASKS)) if balanced.weights is None else balanced.weights.clone()
        for number, term in enumerate(balanced.terms.unbind()):
            found = torch.autograd.grad(term, made.losses, retain_graph=True, allow_unused=True)
            row = torch.stack([torch.zeros(()) if g is None else g for g in found])
            wanted = expected * (torch.arange(len(TASKS)) == number)
            close = bool(torch.allclose(row, wanted, rtol=1e-4, atol=1e-6))
            expect(close, f"the term of {TASKS[number]!r} sends {row.tolist()} to the losses, not {wanted.tolist()}")
        balanced.terms.sum().backward()  # type: ignore[no-untyped-call]  # the graph must still be there


@CHECKS.add
def absent_tasks_count_for_nothing(case: BalancerCase) -> None:
    """A task that is absent from a batch has the term 0 and teaches the balancer nothing."""
    module = case.module.train()
    for step in range(STEPS):
        there = (True, step % 2 == 0, step % 3 == 0)
        balanced = balance(module, Losses.of(step, there))
        absent = balanced.terms[~torch.tensor(there)]
        expect(not absent.any(), f"the terms of absent tasks are {absent.tolist()}")
        parameters = [p for p in module.parameters() if p.requires_grad]
        if len(absent) and absent.requires_grad and parameters:
            found = torch.autograd.grad(absent.sum(), parameters, retain_graph=True, allow_unused=True)
            expect(not any(g is not None and g.any() for g in found), "an absent task moves the balancer's parameters")


@CHECKS.add
def nobody_there_changes_nothing(case: BalancerCase) -> None:
    """A batch in which nobody has anything gives zeros, and leaves the weights of the next batch as they were."""
    module = case.module.train()
    steps(module, range(3))
    before = copy.deepcopy(module).eval()
    empty = balance(module, Losses.of(3, (False,) * len(TASKS)))
    expect(not empty.terms.any(), f"the terms are {empty.terms.tolist()}")
    same(case.run(before), case.run(module.eval()), "a batch after an empty one")


@CHECKS.add
def one_task_is_enough(case: BalancerCase) -> None:
    """A batch of one present task, step after step, stays finite and its weight positive."""
    module = case.module.train()
    for step in range(STEPS):
        outputs = flat(balance(module, Losses.of(step, (True, False, False))))
        finite(outputs)
        expect("weights" not in outputs or bool(outputs["weights"][0] > 0), "the weight of the only task is 0")


@CHECKS.add
def extreme_losses_stay_finite(case: BalancerCase) -> None:
    """Large and tiny losses give finite terms and weights, also under bf16 autocast."""
    for scale in (1e-4, 1e4):
        for half in (False, True):
            module = case.make().train()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                for step in range(STEPS):
                    finite(flat(balance(module, Losses.of(step, scale=scale))))


@CHECKS.add
def goes_on_to_the_same_bits(case: BalancerCase) -> None:
    """An instance that loads the state_dict after some steps makes the following ones to the same bits."""
    first, other = case.module.train(), case.fresh().train()
    steps(first, range(5))
    other.load_state_dict(copy.deepcopy(first.state_dict()))
    for step in range(5, 5 + STEPS):
        one, two = (flat(balance(module, Losses.of(step))) for module in (first, other))
        same(one, two, f"step {step - 4} after loading", exactly=True)


@CHECKS.add
def evaluation_learns_nothing(case: BalancerCase) -> None:
    """In eval mode no buffer changes."""
    module = case.module.train()
    steps(module, range(3))
    before = copy.deepcopy(module.eval().state_dict())
    steps(module, range(3, 3 + STEPS))
    same(before, module.state_dict(), "the state after evaluation", exactly=True)


def balance(module: nn.Module, made: Losses) -> Balanced:
    """Balance one batch."""
    balanced: Balanced = module(made.losses, made.present, made.shared)
    return balanced


def steps(module: nn.Module, numbers: range) -> None:
    """Balance some batches with every task in them."""
    for step in numbers:
        balance(module, Losses.of(step))


def flat(balanced: Balanced) -> dict[str, Tensor]:
    """Terms and weights by name."""
    return {"terms": balanced.terms} | ({} if balanced.weights is None else {"weights": balanced.weights})
