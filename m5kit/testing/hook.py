"""The conformance checks of hooks."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from m5kit.api import Hook, Training
from m5kit.hooks.base import WEIGHTS
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.randomness import random_states
from m5kit.testing.report import Checks, Report, expect

STEPS = 12
HALF = 6
LOGGED = 2
"""Steps between two calls of ``after_figures``."""


class HookRun:
    """Trains a tiny model, with a hook or without.

    Args:
        hook: called at its moments; None for none.
        folder: of the run.
        state: of an earlier run that this one continues.
    """

    def __init__(self, hook: Hook | None, folder: Path, state: dict[str, Any] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        # dropout and batch norm: a hook that draws a number or leaves eval mode on would change the weights
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05)
        self.hook = hook or Quiet()
        self.training = Training(self.model, folder, STEPS)
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.hook.load_state_dict(_stored(state["hook"]))
            self.training.step = state["step"]
            torch.set_rng_state(state["random"])

    def go(self, last: int = STEPS) -> "HookRun":
        """Train until ``last``, or until the hook ends it."""
        self.hook.before_train(self.training)
        while self.training.step < last and self.training.stopped is None:
            self._step()
        self.hook.after_train(self.training)
        return self

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        model = {name: value.clone() for name, value in self.model.state_dict().items()}
        hook = {}
        for name, value in self.hook.state_dict().items():
            # copied, because training goes on and changes tensors in place
            hook[name] = value.clone() if isinstance(value, Tensor) else value
        return {"model": model, "hook": hook, "step": self.training.step, "random": torch.get_rng_state()}

    def _step(self) -> None:
        """One step as a run takes it: the hook's moments in their order."""
        training = self.training
        training.ids = tuple(f"item {training.step} {row}" for row in range(6))
        self.hook.before_step(training)
        inputs = torch.randn(6, 4)
        loss = (self.model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        training.step += 1
        training.logs = {"loss": loss.detach()}
        self.hook.after_step(training)
        if training.step % LOGGED == 0:
            self.hook.after_figures(training, {"loss": loss.item(), "lr": 0.05})


class Quiet(Hook):
    """Does nothing."""


@dataclass(frozen=True)
class HookCase:
    """A way to build the hook, and an empty folder."""

    part: type[Hook]
    make: Callable[[], Hook]
    folder: Path


CHECKS: Checks[HookCase] = Checks("hooks", class_checks(Hook))


def check_hook(part: type[Hook] | str, only: Collection[str] | None = None) -> Report:
    """Check a hook; arguments that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    with TemporaryDirectory() as folder:
        numbers = iter(range(10**6))
        return CHECKS.run(
            part, lambda hook: HookCase(hook, partial(build, hook), Path(folder, str(next(numbers)))), only
        )


@CHECKS.add
def sees_a_whole_run(case: HookCase) -> None:
    """It goes through a run from the first step to the last."""
    HookRun(case.make(), case.folder).go()


@CHECKS.add
def training_is_left_alone(case: HookCase) -> None:
    """A run with the hook has the weights of a run without it after the same steps."""
    watched = HookRun(case.make(), case.folder / "a").go()
    alone = HookRun(None, case.folder / "b").go(watched.training.step)
    for name, value in watched.model.state_dict().items():
        expect(torch.equal(value, alone.model.state_dict()[name]), f"{name} is not that of a run without it")
    # a run without dropout would go unnoticed
    expect(watched.model.training, "it left the model in eval mode")


@CHECKS.add
def global_randomness_is_left_alone(case: HookCase) -> None:
    """It draws no number from random, numpy or torch, on which other things depend."""
    run = HookRun(case.make(), case.folder)
    run.training.ids, run.training.logs = ("item",), {"loss": torch.ones(())}
    moments: dict[str, Callable[[], None]] = {
        "before_train": lambda: run.hook.before_train(run.training),
        "before_step": lambda: run.hook.before_step(run.training),
        "after_step": lambda: run.hook.after_step(run.training),
        "after_figures": lambda: run.hook.after_figures(run.training, {"loss": 1.0}),
        "after_train": lambda: run.hook.after_train(run.training),
    }
    for moment, call in moments.items():
        before = random_states()
        call()
        expect(random_states() == before, f"{moment}() drew a random number; use a generator of your own")


@CHECKS.add
def state_is_tensors_and_json(case: HookCase) -> None:
    """state_dict() holds tensors and JSON data by name, before and after a run."""
    for hook in (case.make(), HookRun(case.make(), case.folder).go().hook):
        _stored(hook.state_dict())


@CHECKS.add
def goes_on_to_the_same_bits(case: HookCase) -> None:
    """A run that is interrupted and resumed with a new instance ends with the same step and the same state."""
    whole = HookRun(case.make(), case.folder / "a").go()
    # stopped in the middle, its state saved, and continued by a new hook, as after a crash
    first = HookRun(case.make(), case.folder / "b").go(HALF).state()
    rest = HookRun(case.make(), case.folder / "b", first).go()
    expect(whole.training.step == rest.training.step, f"it ends after {rest.training.step}, not {whole.training.step}")
    one, other = whole.hook.state_dict(), rest.hook.state_dict()
    expect(one.keys() == other.keys(), f"its state has {sorted(other)}, not {sorted(one)}")
    moved = [name for name, value in one.items() if not _equal(value, other[name])]
    expect(not moved, f"{', '.join(moved[:3])} of its state is not that of a run without interruption")


@CHECKS.add
def stopped_runs_stay_stopped(case: HookCase) -> None:
    """A run that the hook has stopped takes no further step when it is resumed."""
    ended = HookRun(case.make(), case.folder).go()
    again = HookRun(case.make(), case.folder, ended.state())
    again.go()
    expect(again.training.step == ended.training.step, f"it went on to step {again.training.step}")


@CHECKS.add
def offered_weights_are_the_models(case: HookCase) -> None:
    """If it offers weights, they have the names and shapes of the model's, and are finite."""
    run = HookRun(case.make(), case.folder).go()
    offered = {}
    for name, value in run.hook.state_dict().items():
        if name.startswith(WEIGHTS):
            offered[name.removeprefix(WEIGHTS)] = value
    if not offered:
        return
    wanted = run.model.state_dict()
    right = offered.keys() == wanted.keys() and all(offered[name].shape == wanted[name].shape for name in wanted)
    expect(right, f"they are {sorted(offered)}, not {sorted(wanted)}")
    broken = [name for name, value in offered.items() if not value.isfinite().all()]
    expect(not broken, f"{', '.join(broken)} holds NaN or infinity")


def _stored(state: dict[str, Any]) -> dict[str, Any]:
    """The state after it went through a checkpoint; fails if it cannot."""
    stored: dict[str, Any] = {}
    for name, value in state.items():
        expect(isinstance(name, str), f"the name {name!r} is no text")
        if isinstance(value, Tensor):
            stored[name] = value.clone()
            continue
        try:
            stored[name] = json.loads(json.dumps(value))
            same = stored[name] == value
        except TypeError:
            same = False
        kind = type(value).__name__
        expect(same, f"{name!r} is a {kind} that JSON does not give back; keep tensors or JSON data")
    return stored


def _equal(one: Any, other: Any) -> bool:
    """Whether two values of a state are the same; ``==`` of tensors gives a tensor."""
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)
