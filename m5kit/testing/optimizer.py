"""The conformance checks of optimizers."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.api import OptimizerBuilder
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.randomness import random_states
from m5kit.testing.report import Checks, Report, expect

RATE = 0.01
STEPS = 30


class RegressionRun:
    """A small regression with a matrix, a bias and a convolution, and an optimizer of it.

    Args:
        builder: makes the optimizer.
        slow: factor of the rate of the second group, as for pretrained layers.
    """

    def __init__(self, builder: OptimizerBuilder, slow: float = 0.1) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.Flatten(), nn.Linear(18, 4), nn.LayerNorm(4))
        matrices: list[Tensor] = []
        vectors: list[Tensor] = []
        for parameter in self.model.parameters():
            (matrices if parameter.dim() >= 2 else vectors).append(parameter)
        self.optimizer: Optimizer = builder.build(
            [
                {"params": matrices, "lr": RATE, "weight_decay": 0.01},
                {"params": vectors, "lr": RATE * slow, "weight_decay": 0.0},
            ]
        )

    def go(self, first: int = 0, last: int = STEPS) -> float:
        """Take steps and return the last loss."""
        loss = torch.zeros(())
        for step in range(first, last):
            generator = torch.Generator().manual_seed(step)
            inputs = torch.randn(16, 2, 8, generator=generator)
            # predicts a mean, which a linear model can learn in a few steps
            loss = (self.model(inputs) - inputs.mean((1, 2))[:, None]).square().mean()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.optimizer.zero_grad()
        return loss.item()

    def weights(self) -> list[Tensor]:
        """Copies of the parameters."""
        return [parameter.detach().clone() for parameter in self.model.parameters()]

    def moved(self, before: Sequence[Tensor]) -> list[bool]:
        """For each parameter, whether it differs from ``before`` in a single bit."""
        return [not torch.equal(one, other) for one, other in zip(before, self.model.parameters(), strict=True)]


@dataclass(frozen=True)
class OptimizerCase:
    """A function that builds the settings of the optimizer."""

    make: Callable[[], OptimizerBuilder]


CHECKS: Checks[OptimizerCase] = Checks("optimizers", class_checks(OptimizerBuilder))


def check_optimizer(part: type[OptimizerBuilder] | str, only: Collection[str] | None = None) -> Report:
    """Check an optimizer; arguments that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, lambda builder: OptimizerCase(partial(build, builder)), only)


@CHECKS.add
def builds_a_torch_optimizer(case: OptimizerCase) -> None:
    """build() returns a torch optimizer with every parameter in one group of the rate that was given."""
    run = RegressionRun(case.make())
    expect(isinstance(run.optimizer, Optimizer), f"it is a {type(run.optimizer).__name__}")
    rates: dict[int, float] = {}
    for group in run.optimizer.param_groups:
        for parameter in group["params"]:
            expect(id(parameter) not in rates, "a parameter is in two groups")
            rates[id(parameter)] = group["lr"]
    for parameter in run.model.parameters():
        wanted = RATE if parameter.dim() >= 2 else RATE * 0.1
        given = rates.get(id(parameter))
        expect(given == wanted, f"the rate of a parameter is {given}, not {wanted}; keep the lr of its group")


@CHECKS.add
def lowers_a_loss(case: OptimizerCase) -> None:
    """Thirty steps of a small regression lower its loss, and every parameter moves."""
    run = RegressionRun(case.make(), slow=1.0)
    before, first = run.weights(), run.go(0, 1)
    last = run.go(1)
    expect(last < first, f"it went from {first:.3f} to {last:.3f}")
    expect(all(run.moved(before)), "a parameter is where it was")


@CHECKS.add
def follows_the_rate(case: OptimizerCase) -> None:
    """A rate of 0 that is written into the groups stops every parameter; the schedule works in this way."""
    run = RegressionRun(case.make())
    run.go(0, 3)
    for group in run.optimizer.param_groups:
        group["lr"] = 0.0
    before = run.weights()
    run.go(3, 5)
    expect(not any(run.moved(before)), "a parameter moved; read lr from param_groups at each step")


@CHECKS.add
def nothing_happens_without_gradients(case: OptimizerCase) -> None:
    """A step without gradients, as after a batch that lacks a modality, does not change the parameters."""
    run = RegressionRun(case.make())
    before = run.weights()
    run.optimizer.step()
    expect(not any(run.moved(before)), "a parameter without a gradient moved")


@CHECKS.add
def state_can_be_saved(case: OptimizerCase) -> None:
    """state_dict() holds tensors and JSON data by parameter, as a checkpoint keeps them."""
    run = RegressionRun(case.make())
    run.go(0, 2)
    _stored(run.optimizer.state_dict())


@CHECKS.add
def goes_on_to_the_same_bits(case: OptimizerCase) -> None:
    """A new instance that loads the state makes the same steps as one that was not interrupted."""
    whole = RegressionRun(case.make())
    whole.go()
    first = RegressionRun(case.make())
    first.go(0, STEPS // 2)
    rest = RegressionRun(case.make())
    rest.model.load_state_dict(first.model.state_dict())
    rest.optimizer.load_state_dict(_stored(first.optimizer.state_dict()))
    rest.go(STEPS // 2)
    expect(not any(rest.moved(whole.weights())), "the weights are not those of a run without interruption")


@CHECKS.add
def global_randomness_is_left_alone(case: OptimizerCase) -> None:
    """It draws no number from random, numpy or torch, on which other things depend."""
    run = RegressionRun(case.make())
    before = random_states()
    run.go(0, 2)
    expect(random_states() == before, "it drew a random number; use a generator of your own")


def _stored(state: dict[str, Any]) -> dict[str, Any]:
    """The state after it went through a checkpoint; fails if it cannot."""
    stored: dict[int, dict[str, Any]] = {}
    for index, values in state["state"].items():
        stored[index] = {}
        for name, value in values.items():
            tensor = isinstance(value, Tensor)
            stored[index][name] = value.clone() if tensor else _through_json(f"{index}.{name}", value)
    return {"state": stored, "param_groups": _through_json("param_groups", state["param_groups"])}


def _through_json(name: str, value: Any) -> Any:
    """The value written as JSON and read again."""
    try:
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise AssertionError(f"{name} is no JSON data: {error}; keep tensors or numbers") from error
