"""The conformance checks of pretext tasks."""

import inspect
from collections.abc import Collection
from copy import deepcopy
from dataclasses import replace

import torch

from m5kit.api import Draws, Harmony, Hidden, Mean, Task, TaskOutput
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, backward, finite
from m5kit.testing.report import Checks, Report, Skip, expect
from m5kit.testing.task_case import TRIES, TaskCase, draws, with_asked
from m5kit.testing.views import (
    MODALITIES,
    PRESENT,
    STEPS,
    facts_of,
    part_of_hidden,
    part_of_observation,
    part_of_view,
    random_fused,
    random_view,
)

CHECKS: Checks[TaskCase] = Checks("tasks", class_checks(Task), MODULE_CHECKS)


def check_task(part: type[Task] | str, only: Collection[str] | None = None) -> Report:
    """Check a pretext task; arguments that a run cannot know and that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, TaskCase.of, only)


@CHECKS.add
def says_what_it_reads(case: TaskCase) -> None:
    """The attribute view is masked or clean, and modality is the one it was built for, if it takes one."""
    expect(case.module.view in ("masked", "clean"), f"view is {case.module.view!r}")
    if "modality" in inspect.signature(case.part).parameters:
        expect(case.module.modality in MODALITIES, f"modality is {case.module.modality!r}, built for {MODALITIES[0]!r}")


@CHECKS.add
def loss_is_a_finite_scalar(case: TaskCase) -> None:
    """The loss is one finite number."""
    output = case.loss(case.module)
    expect(output.loss.dim() == 0, f"it has shape {tuple(output.loss.shape)}")
    finite({"loss": output.loss})


@CHECKS.add
def logs_carry_no_gradient(case: TaskCase) -> None:
    """Logs are detached single numbers."""
    for name, given in case.loss(case.module).logs.items():
        log = given.value if isinstance(given, Mean) else given
        expect(not log.requires_grad, f"{name!r} carries a gradient; detach it")
        expect(log.numel() == 1, f"{name!r} has shape {tuple(log.shape)}")


@CHECKS.add
def gradient_reaches_the_model(case: TaskCase) -> None:
    """The loss trains what the task reads: of a task with a modality, the tokens of that modality."""
    backward({"loss": case.loss(case.module).loss})
    reached = []
    for name, leaf in case.made.leaves.items():
        if leaf.grad is not None and leaf.grad.any():
            finite({f"the gradient of {name}": leaf.grad})
            reached.append(name)
    expect(bool(reached), "no gradient reaches tokens, features or embedding")
    if case.module.modality is not None:
        own = any(name.endswith(f" {case.module.modality}") for name in reached)
        expect(own, f"no gradient reaches the tokens of {case.module.modality!r}, only {', '.join(reached)}")


@CHECKS.add
def corruption_follows_the_items(case: TaskCase) -> None:
    """The tokens hidden in an item do not depend on the rest of the batch; only its draws are random."""
    observation, modality = case.observation(), case.modality
    items = torch.arange(len(observation.values))
    whole, _ = case.module.corrupt(observation, Draws(3, "kit", items))
    for rows in (items, items.flip(0), items[::2], items[1:2]):
        torch.manual_seed(99)  # a task that draws from the global state then differs from the first call
        part, _ = case.module.corrupt(part_of_observation(observation, rows), Draws(3, "kit", rows))
        equal = torch.equal(part.values, whole.values[rows])
        expect(equal, f"an item hides other tokens of {modality!r} in another batch; use the draws of the items only")


@CHECKS.add
def items_weigh_the_same_however_they_are_cut(case: TaskCase) -> None:
    """Two micro-batches give the same sum and count as one batch, if the task counts and does not compare items."""
    task = case.module
    if task.compares_items or type(task).count is Task.count:
        raise Skip("it compares items" if task.compares_items else "it gives a mean; override count to give a sum")
    view, hidden = case.made.view, case.hidden()
    whole, count = task.loss(view, hidden).loss, task.count(facts_of(view), hidden)
    expect(count > 0, f"count is {count} though there is something to learn")
    sums, counts = torch.zeros(()), 0.0
    for items in torch.arange(len(view.present)).tensor_split([3]):  # unequal parts: a mean of means would be off
        part = part_of_view(view, items)
        found = None if hidden is None else part_of_hidden(hidden, view.rows[case.modality], items, STEPS)
        sums, counts = sums + task.loss(part, found).loss, counts + task.count(facts_of(part), found)
    expect(counts == count, f"one micro-batch counts {count}, two count {counts}")
    off = abs(float((sums / counts - whole / count).detach()))
    expect(
        off < 1e-5, f"the loss over the count is off by {off:.3g} for two micro-batches; give the sum over the count"
    )


@CHECKS.add
def features_are_enough_if_it_says_so(case: TaskCase) -> None:
    """A task that says that features are enough gives the same loss of a view that has nothing else."""
    if not (case.module.compares_items and case.module.features_are_enough):
        raise Skip("it does not say so")
    view = case.made.view
    weights = torch.full_like(view.harmony.tasks, torch.nan)
    harmony = Harmony(view.harmony.pairs, weights, weights)
    fused = replace(random_fused(view.present, {}), weights=weights)
    bare = replace(view, encoded={}, fused=fused, harmony=harmony, vectors={}, items=None)
    # Copies, as a task may keep features of its last batch.
    with_all, with_features = deepcopy(case.module).loss(view, None), deepcopy(case.module).loss(bare, None)
    off = abs(float((with_all.loss - with_features.loss).detach()))
    expect(off == 0, f"the loss is off by {off:.3g} without the rest; leave features_are_enough at False")


@CHECKS.add
def corruption_leaves_its_input(case: TaskCase) -> None:
    """The observation that is given stays as it is."""
    case.modality  # noqa: B018  # skips a task that hides nothing
    observation = case.observation()
    for seed in range(TRIES):
        case.module.corrupt(observation, draws(seed, len(observation.values)))
    expect(torch.equal(observation.values, case.observation().values), "its values were changed in place; clone them")


@CHECKS.add
def corruption_is_well_formed(case: TaskCase) -> None:
    """Hidden positions are real tokens, each once, on the host, with the true values as targets; lengths stay."""
    case.modality  # noqa: B018  # skips a task that hides nothing
    observation = case.observation()
    # positions are flat over items and tokens
    real = observation.mask.flatten()
    for seed in range(TRIES):
        shown, hidden = case.module.corrupt(observation, draws(seed, len(observation.values)))
        positions = hidden.positions
        expect(
            positions.dtype == torch.int64 and positions.dim() == 1,
            f"positions are {positions.dtype} {positions.shape}",
        )
        expect(bool(real[positions].all()), "a padded token was hidden")
        expect(len(set(positions.tolist())) == len(positions), "a token was hidden twice")
        expect(len(hidden.targets) == len(positions), f"{len(hidden.targets)} targets for {len(positions)} positions")
        expect(shown.values.shape == observation.values.shape, "the corrupted values have another shape")
        expect(torch.equal(shown.lengths, observation.lengths), "the lengths changed")
        # compared token by token: the loss counts hidden tokens only, so others must be as they were
        changed = (shown.values != observation.values).view(len(real), -1).any(1)
        untouched = torch.ones_like(real).index_fill(0, positions, False)
        expect(not (changed & untouched).any(), "a token was changed that is not among the hidden ones")


@CHECKS.add
def corruption_hides_something(case: TaskCase) -> None:
    """Among a few seeds one hides something."""
    case.modality  # noqa: B018  # skips a task that hides nothing
    hidden = case.hidden()
    expect(hidden is not None and len(hidden.positions) > 0, f"nothing was hidden with {TRIES} seeds")


@CHECKS.add
def swaps_are_well_formed(case: TaskCase) -> None:
    """Made-up items take one modality from an item that has it and keep one of their own; only draws are random."""
    view = case.made.view
    swap = case.module.swap(view, draws(3, len(view.present)))
    if swap is None:
        raise Skip("the task asks for no made-up items")
    torch.manual_seed(99)
    again = case.module.swap(view, draws(3, len(view.present)))
    expect(again is not None and torch.equal(swap.donors, again.donors), "two calls differ; use the draws only")
    expect(len(swap.items) > 0, "there is none, though items have several modalities")
    expect(bool((swap.donors != swap.items).all()), "an item is its own donor")
    both = PRESENT[swap.items, swap.columns] & PRESENT[swap.donors, swap.columns]
    expect(bool(both.all()), "a modality is exchanged that an item or its donor has not")
    expect(bool((PRESENT[swap.items].sum(1) > 1).all()), "an item keeps nothing of its own")


@CHECKS.add
def cuts_are_well_formed(case: TaskCase) -> None:
    """An item that is cut keeps some of the modalities that it has, and no other; the draws decide."""
    view = case.made.view
    shown = case.module.shown(view, draws(3, len(view.present)))
    if shown is None:
        raise Skip("the task asks for no cut items")
    torch.manual_seed(99)
    again = case.module.shown(view, draws(3, len(view.present)))
    expect(again is not None and torch.equal(shown, again), "two calls differ; use the draws only")
    expect(shown.dtype == torch.bool and shown.shape == PRESENT.shape, f"it is {shown.dtype} {tuple(shown.shape)}")
    expect(not (shown & ~PRESENT).any(), "an item keeps a modality that it has not")
    expect(bool((shown.any(1) == PRESENT.any(1)).all()), "an item keeps nothing")


@CHECKS.add
def nothing_hidden_gives_zero(case: TaskCase) -> None:
    """If nothing is hidden the loss is 0, not NaN, and can be backpropagated."""
    case.modality  # noqa: B018  # skips a task that hides nothing
    hidden = case.hidden()
    assert hidden is not None
    _expect_zero(case.module(case.made.view, Hidden(hidden.positions[:0], hidden.targets[:0])))


@CHECKS.add
def nobody_there_gives_zero(case: TaskCase) -> None:
    """If no item has what the task needs the loss is 0, not NaN, and can be backpropagated."""
    present = torch.zeros_like(PRESENT)
    if case.module.modality is not None:
        present = PRESENT.clone()
        present[:, MODALITIES.index(case.module.modality)] = False
    without = case.module.modality
    _expect_zero(case.module(with_asked(case.module, random_view(present, without)).view, None))


@CHECKS.add
def one_item_is_enough(case: TaskCase) -> None:
    """A batch of one item gives a finite loss."""
    present = PRESENT[:1]
    made = random_view(present)
    hidden = case.hidden()
    if hidden is not None:
        kept = hidden.positions < STEPS
        hidden = Hidden(hidden.positions[kept], hidden.targets[kept])
    finite({"loss": case.module(with_asked(case.module, made).view, hidden).loss})


def _expect_zero(output: TaskOutput) -> None:
    """The loss must be 0 and still have a gradient, so that the step needs no special case."""
    finite({"loss": output.loss})
    expect(float(output.loss.detach()) == 0, f"it is {float(output.loss.detach()):.3g}")
    expect(output.loss.requires_grad, "it is cut off from the model; return view.features.sum() * 0")
    backward({"loss": output.loss})
