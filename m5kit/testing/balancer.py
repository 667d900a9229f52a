"""The conformance checks of balancers."""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from m5kit.api import Balancer
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
class Step:
    """What :meth:`Balancer.observe` is given of a step of three tasks."""

    losses: Tensor
    norms: Tensor
    present: Tensor

    @classmethod
    def of(cls, number: int, there: tuple[bool, ...] = ALL, scale: float = 1.0) -> "Step":
        """Step ``number``; losses and norms fall at different rates, and those of an absent task are 0."""
        present = torch.tensor(there)
        # Task 1 falls slowest, so a balancer that follows the pace of the losses has something to follow.
        falling = 1 + number * torch.arange(1, len(TASKS) + 1)
        losses = torch.tensor(SCALES) * scale / falling * present
        return cls(losses, losses * (1.5 + torch.arange(len(TASKS)).cos()), present)


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
        """Factors and penalty with every task present."""
        return flat(module)

    def fresh(self) -> Balancer:
        """Another instance."""
        return self.make()


CHECKS: Checks[BalancerCase] = Checks("balancers", class_checks(Balancer), MODULE_CHECKS)


def check_balancer(part: type[Balancer] | str, only: Collection[str] | None = None) -> Report:
    """Check a balancer; arguments beyond ``tasks`` that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, BalancerCase.of, only)


@CHECKS.add
def output_is_well_formed(case: BalancerCase) -> None:
    """Factors and penalty are t numbers, no factor is negative."""
    for name, value in flat(case.module.train()).items():
        expect(value.shape == (len(TASKS),), f"{name} has shape {tuple(value.shape)}; give one number a task")
    factors = case.module.factors(torch.tensor(ALL))
    expect(bool((factors >= 0).all()), f"a factor is negative: {factors.tolist()}")


@CHECKS.add
def factors_change_nothing(case: BalancerCase) -> None:
    """Asking for factors and penalty, once a micro-batch, changes no state and gives the same each time."""
    module = case.module.train()
    for number in range(STEPS):
        before = copy.deepcopy(module.state_dict())
        first = flat(module)
        same(first, flat(module), "a second micro-batch", exactly=True)
        same(before, module.state_dict(), "the state after it was asked", exactly=True)
        observe(module, Step.of(number))


@CHECKS.add
def absent_tasks_count_for_nothing(case: BalancerCase) -> None:
    """A task that is absent from a step has the penalty 0, and its loss and norm change nothing in the balancer."""
    module = case.module.train()
    for number in range(STEPS):
        # all combinations of present and absent tasks turn up, the first task being always present
        there = (True, number % 2 == 0, number % 3 == 0)
        step = Step.of(number, there)
        absent = module.penalty(step.present)[~step.present]
        expect(not absent.any(), f"the penalties of absent tasks are {absent.tolist()}")
        parameters = [p for p in module.parameters() if p.requires_grad]
        if len(absent) and absent.requires_grad and parameters:
            found = torch.autograd.grad(absent.sum(), parameters, allow_unused=True)
            expect(not any(g is not None and g.any() for g in found), "an absent task moves the balancer's parameters")
        # Two copies are shown steps that differ in what stands for absent tasks only.
        other = copy.deepcopy(module)
        observe(module, step)
        observe(other, replace(step, losses=step.losses + ~step.present * 7.0, norms=step.norms + ~step.present * 7.0))
        same(module.state_dict(), other.state_dict(), "another loss of an absent task", exactly=True)


@CHECKS.add
def nobody_there_changes_nothing(case: BalancerCase) -> None:
    """A step without any present task, as one that was not finite is shown, does not change the next factors."""
    module = case.module.train()
    steps(module, range(3))
    before = flat(module)
    observe(module, Step.of(3, (False,) * len(TASKS)))
    same(before, flat(module), "a step after an empty one")


@CHECKS.add
def one_task_is_enough(case: BalancerCase) -> None:
    """One present task, step after step, stays finite and its factor positive."""
    module = case.module.train()
    for number in range(STEPS):
        step = Step.of(number, (True, False, False))
        outputs = flat(module, step.present)
        finite(outputs)
        expect(bool(outputs["factors"][0] > 0), "the factor of the only task is 0")
        observe(module, step)


@CHECKS.add
def extreme_losses_stay_finite(case: BalancerCase) -> None:
    """Large and tiny losses give finite factors and penalties, also under bf16 autocast."""
    for scale in (1e-4, 1e4):
        for half in (False, True):
            module = case.make().train()
            # losses of 1e4 times weights do not fit into half precision unless the balancer works in float32
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                for number in range(STEPS):
                    observe(module, Step.of(number, scale=scale))
                    finite(flat(module))


@CHECKS.add
def goes_on_to_the_same_bits(case: BalancerCase) -> None:
    """An instance that loads the state_dict after some steps makes the following ones to the same bits."""
    first, other = case.module.train(), case.fresh().train()
    steps(first, range(5))
    other.load_state_dict(copy.deepcopy(first.state_dict()))
    for number in range(5, 5 + STEPS):
        same(flat(first), flat(other), f"step {number - 4} after loading", exactly=True)
        observe(first, Step.of(number))
        observe(other, Step.of(number))


def observe(module: Balancer, step: Step) -> None:
    """Show a step as a run does: with norms only if the balancer needs them."""
    module.observe(step.losses, step.norms if module.needs_norms else None, step.present)


def steps(module: Balancer, numbers: range) -> None:
    """Show some steps in which every task is present."""
    for number in numbers:
        observe(module, Step.of(number))


def flat(module: nn.Module, present: Tensor | None = None) -> dict[str, Tensor]:
    """Factors and penalty by name."""
    assert isinstance(module, Balancer)
    there = torch.tensor(ALL) if present is None else present
    return {"factors": module.factors(there), "penalty": module.penalty(there)}
