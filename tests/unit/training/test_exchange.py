"""Several processes compute what one computes: every task, balancer, harmonizer, fusion and head, whatever is where."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch.optim import SGD, AdamW

from m5kit.api import Task, TaskOutput
from m5kit.models.backbone import Backbone
from m5kit.models.finetuner import Finetuner
from m5kit.models.pretrainer import Pretrainer
from m5kit.parallel import pieces, sharding  # noqa: F401  # here, so that hundreds of forks need not import it
from m5kit.parallel.group import Group
from m5kit.parallel.shares import shares
from m5kit.registry import BALANCERS, ENCODERS, FUSIONS, HARMONIZERS, HEADS, TASKS
from m5kit.structures import Batch, Inputs
from m5kit.training.setup import hold
from m5kit.training.step import TrainStep

DIM, ITEMS, STEPS, SEED = 16, 11, 2, 3  # the items are even neither for two processes nor for three
MODALITIES = ("audio", "image", "table", "text", "video")
FACTS = {"dim": DIM, "features": DIM, "modalities": MODALITIES}
SMALL = {"dim": DIM, "layers": 1, "heads": 2, "dropout": 0.0}
ENCODER = {
    "audio": {"type": "audio_patches", "mels": 8, "steps": 16, "patch": 4},
    "image": {"type": "image_patches", "size": 16, "patch": 8},
    "table": {"type": "table_properties", "vocabulary": 20, "max_tokens": 9, "mask_id": 2},
    "text": {"type": "text_tokens", "vocabulary": 20, "max_tokens": 6, "mask_id": 2},
    "video": {"type": "video_frames", "size": 16, "frames": 3, "patch": 8},
}
MASKED = {
    "masked_audio": {"type": "masked_features", "modality": "audio", "observed": 32, "rate": 0.5},
    "masked_text": {"type": "masked_tokens", "modality": "text", "vocabulary": 20, "rate": 0.5, "reads": "both"},
    "masked_table": {"type": "masked_entities", "modality": "table", "vocabulary": 20, "rate": 0.5, "turns": True},
    "masked_image": {"type": "masked_features", "modality": "image", "observed": 192, "rate": 0.5, "turns": True},
}
EVERY = MASKED | {
    "contrastive": {"type": "contrastive"},
    "completion": {"type": "completion"},
    "matching": {"type": "matching"},
    "alignment": {"type": "alignment", "between": ("text", "table"), "iterations": 3},
    "mined": {"type": "mined_contrastive", "queue": 5, "hardest": 3, "view": "clean"},
    "joint": {"type": "joint_contrastive", "over": ("image", "text")},
    "within": {"type": "within_contrastive"},
}
CONTRASTS = {
    "paper": {"contrastive": {"type": "contrastive", "negatives": "paper"}},
    "ntxent": {"contrastive": {"type": "contrastive", "negatives": "ntxent", "weight_on": "both", "over_pairs": "sum"}},
    "sigmoid": {"contrastive": {"type": "contrastive", "negatives": "sigmoid"}},
    "logits": {"contrastive": {"type": "contrastive", "weight_on": "logits", "view": "clean"}},
    "learned": {"contrastive": {"type": "contrastive", "balanced": True, "learnable_temperature": True}},
    "symile": {"joint": {"type": "joint_contrastive", "over": ("image", "table", "text"), "product": "symile"}},
    "positives": {"mined": {"type": "mined_contrastive", "positives": "kind", "margin": 0.1}},
}


class Unaware(Task):
    """A task of somebody who never thought of several processes: a mean over the items that it is given."""

    def loss(self, view, hidden=None):
        return TaskOutput(view.features.square().mean())


class Counting(Unaware):
    """The same as a sum with a count; several processes are then nothing new."""

    def count(self, facts, hidden=None):
        return float(len(facts.present))

    def loss(self, view, hidden=None):
        return TaskOutput(view.features.square().sum())


def uneven(position):
    """What ranks have differs, one item has nothing, and sound comes with the last items alone."""
    place = position % ITEMS
    if place == 2:
        return ()
    if place < 5:
        return ("image", "text", "table") if place % 2 else ("image", "text")
    return MODALITIES if place >= 8 else ("table", "text", "image")


def without_sound(position):
    return tuple(m for m in uneven(position) if m != "audio")


def only_the_first(position):
    """Ranks after the first have nothing at all."""
    return MODALITIES if position % ITEMS < 4 else ()


def everything(position):
    return MODALITIES


PRESENCE = {
    "uneven": uneven,
    "without sound": without_sound,
    "only the first": only_the_first,
    "everything": everything,
}
OFTEN = (
    "head classification | uneven",
    "head projection | uneven",
    "head classification, vectors",
    "hard donors",
    "gradnorm | only the first",
    "uncertainty | without sound",
    "ntxent",
    "symile",
    "fusion one_stream",
    "chunks | uneven",
    "chunks, measured",
)
SHARDED_OFTEN = ("head projection | uneven", "gradnorm | only the first", "uncertainty | uneven")
CASES = {f"{b} | {p}": {"balancer": b, "presence": p} for b in sorted(BALANCERS.names()) for p in PRESENCE}
CASES |= {name: {"tasks": tasks} for name, tasks in CONTRASTS.items()}
CASES |= {f"harmonizer {name}": {"harmonizer": name} for name in HARMONIZERS.names()}
CASES |= {f"fusion {name}": {"fusion": name} for name in FUSIONS.names()}
CASES |= {"micro-batches": {"accumulate": 2, "balancer": "gradnorm"}, "another order": {"reverse": True}}
CASES |= {
    f"head {name} | {p}": {"head": name, "presence": p} for name in ("classification", "projection") for p in PRESENCE
}
CASES |= {"head classification, vectors": {"head": "classification", "vectors": True}}
CASES |= {
    "hard donors": {
        "tasks": MASKED | {"contrastive": {"type": "contrastive"}, "matching": {"type": "matching", "hard": True}}
    }
}
CASES |= {f"chunks | {p}": {"chunk": 4, "presence": p} for p in PRESENCE}
CASES |= {
    "chunks of micro-batches": {"chunk": 3, "accumulate": 2},
    "chunks, measured": {"chunk": 4, "balancer": "gradnorm", "presence": "only the first"},
    "chunks, learned weights": {"chunk": 4, "harmonizer": "learned"},
    "chunks, hard donors": {"chunk": 4, "tasks": {"matching": {"type": "matching", "hard": True}} | MASKED},
}
CASES |= {"donors alone": {"tasks": {"matching": {"type": "matching"}}, "presence": "only the first"}}


def one_input(modality, generator):
    """Random inputs of one item."""
    if modality == "image":
        return Inputs.single(torch.randint(0, 256, (3, 16, 16), generator=generator, dtype=torch.uint8), length=1)
    if modality == "video":
        return Inputs.single(torch.randint(0, 256, (2, 3, 16, 16), generator=generator, dtype=torch.uint8))
    if modality == "audio":
        return Inputs.single(torch.randn(12, 8, generator=generator, dtype=torch.float64))
    size = int(torch.randint(2, 7, (), generator=generator))
    extras = {"groups": torch.arange(size) // 3, "roles": torch.arange(size) % 3} if modality == "table" else {}
    return Inputs.single(torch.randint(3, 20, (size,), generator=generator), extras)


def make_batch(first, count, presence):
    """The items at some positions, each a function of its position, augmented twice."""
    items = []
    for position in range(first, first + count):
        generator = torch.Generator().manual_seed(position)
        every = {m: one_input(m, generator) for m in MODALITIES}
        again = {m: one_input(m, generator) for m in MODALITIES}
        items.append({m: replace(every[m], again=again[m]) for m in presence(position)})
    inputs = {}
    for m in MODALITIES:
        there = [item[m] for item in items if m in item]
        if there:
            inputs[m] = Inputs.stack(there)
    return Batch(
        ids=tuple(str(first + i) for i in range(count)),
        modalities=MODALITIES,
        present=torch.tensor([[m in item for m in MODALITIES] for item in items]),
        inputs=inputs,
        targets={"kind": torch.arange(first, first + count) % 3},
        positions=torch.arange(first, first + count),
    )


def make_model(
    tasks=EVERY, balancer="fixed", harmonizer="agreement", fusion="scale", head=None, vectors=False, reverse=False
):
    torch.manual_seed(0)
    layers = 2 if fusion == "bottleneck" else 1
    backbone = Backbone(
        encoders={m: ENCODERS.build(SMALL | ENCODER[m]) for m in MODALITIES},
        fusion=FUSIONS.build({"type": fusion}, dim=DIM, modalities=MODALITIES, layers=layers, heads=2, dropout=0.0),
        harmonizer=HARMONIZERS.build({"type": harmonizer}, modalities=MODALITIES),
        features=DIM,
    )
    if head is not None:
        built = HEADS.build({"type": head}, dim=DIM, modalities=MODALITIES, classes=3, dropout=0.0)
        return Finetuner(backbone=backbone, head=built, label="kind", vectors=vectors).double().train()
    made = {name: Unaware() if of == "unaware" else TASKS.build(of, **FACTS) for name, of in tasks.items()}
    if tasks is EVERY:
        made["counting"] = Counting()
    if reverse:
        made = dict(reversed(made.items()))
    balanced = BALANCERS.build({"type": balancer}, tasks=tuple(made))
    weights = dict.fromkeys(made, 1.0)
    return Pretrainer(backbone=backbone, tasks=made, weights=weights, balancer=balanced).double().train()


def run(group, presence="uneven", accumulate=1, shard=False, chunk=None, clip=None, **options):
    """Gradients, loss and buffers of each step; the parameters move a little in between."""
    model = make_model(**options)
    replica = hold(model, group, shard)
    optimizer = SGD([replica.trained(parameter) for parameter in model.parameters()], lr=1e-2)
    found = []
    optimizer.register_step_pre_hook(lambda *_: found.append(gradients(model, replica)))
    step = TrainStep(model, optimizer, clip, "fp32", SEED, group, ITEMS, chunk, replica)
    sizes = shares(ITEMS, group.size)
    results = []
    for number in range(STEPS):
        batches = []
        for part in range(accumulate):
            first = (number * accumulate + part) * ITEMS + sum(sizes[: group.rank])
            batches.append(make_batch(first, sizes[group.rank], PRESENCE[presence]))
        outputs = step(batches)
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        results.append((found[-1], outputs["loss"], buffers))
    return results


def gradients(model, replica):
    """Of whole parameters, wherever the pieces are."""
    found = {}
    for name, parameter in model.named_parameters():
        piece = replica.trained(parameter)
        if piece is parameter or piece.grad is None:
            found[name] = None if piece.grad is None else piece.grad.detach().clone()
        else:
            found[name] = pieces.whole(pieces.like(piece.grad, parameter))
    return found


@contextmanager
def in_double(patch):
    """Everything in float64, so that equal means 1e-12: also what the product casts to single precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    patch.setattr(torch.Tensor, "float", torch.Tensor.double)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.fixture
def double():
    with pytest.MonkeyPatch.context() as patch, in_double(patch):
        yield


def cases(often):
    """All of them, of which a few that differ most are tried at every run of the tests."""
    for name in CASES:
        yield pytest.param(name, marks=() if name in often else pytest.mark.slow, id=name)


def test_no_registered_part_is_left_out():
    compared = {task["type"] for task in EVERY.values()}
    # Built-ins alone: other tests of the process may have registered parts of their own.
    assert compared >= TASKS.built_ins.keys()
    assert {case["head"] for case in CASES.values() if "head" in case} == HEADS.built_ins.keys()
    for key, names in (("balancer", BALANCERS), ("harmonizer", HARMONIZERS), ("fusion", FUSIONS)):
        assert {case[key] for case in CASES.values() if key in case} == names.built_ins.keys()


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", list(cases(OFTEN)))
def test_every_process_has_the_gradients_of_one_alone(on_ranks, double, name, size):
    whole, found = run(Group(), **CASES[name]), on_ranks(size, run_case, name, limit=120.0)
    for rank in range(size):
        require_same(found[rank], whole, found[0])


def require_same(found, whole, of_first):
    """The steps of a process are those of one alone, and to the bit those of the first process."""
    for (ours, loss, buffers), (theirs, objective, kept), (same, *_) in zip(found, whole, of_first, strict=True):
        assert float(loss) == pytest.approx(float(objective), rel=1e-11)
        assert differences(ours, theirs) <= 1e-11
        for buffer, value in kept.items():
            torch.testing.assert_close(buffers[buffer], value, rtol=1e-9, atol=1e-12, msg=buffer)
        # Ranks go on from the same bits, or they would drift apart over a long run.
        assert all(gradient is None or torch.equal(gradient, same[n]) for n, gradient in ours.items())


def run_case(group, name, **options):
    return run(group, **options, **CASES[name])


def run_sharded(group, name):
    return run_case(group, name, shard=True, clip=1.0)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", list(cases(SHARDED_OFTEN)))
def test_shards_have_the_gradients_of_one_process(on_ranks, double, name, size):
    whole, found = run_case(Group(), name, clip=1.0), on_ranks(size, run_sharded, name, limit=120.0)
    for rank in range(size):
        require_same(found[rank], whole, found[0])


def differences(ours, theirs):
    """The largest difference of a gradient, relative to the largest number of it; None must stand where None does."""
    assert [n for n, g in ours.items() if g is None] == [n for n, g in theirs.items() if g is None]
    scale = max(float(g.abs().max()) for g in theirs.values() if g is not None)
    worst = 0.0
    for name, gradient in theirs.items():
        if gradient is not None:
            size = gradient.abs().max().clamp(min=scale * 1e-6)
            worst = max(worst, float((ours[name] - gradient).abs().max() / size))
    return worst


def test_means_of_a_task_that_does_not_count_are_averaged(on_ranks, double):
    whole = run(Group(), tasks={"mean": "unaware"}, presence="everything")
    for ours in on_ranks(2, run_unaware):
        # 6 and 5 items: the means of both count alike
        assert float(ours[0][1]) == pytest.approx(float(whole[0][1]), rel=0.05)


def run_unaware(group):
    return run(group, tasks={"mean": "unaware"}, presence="everything")


STEPS_OF_ADAM = 20


def train_with_adam(group, kind):
    """Weights after some steps of AdamW, of a model of which the first items have no sound."""
    model = make_model(tasks=EVERY, harmonizer="agreement").to(kind)
    step = TrainStep(model, AdamW(model.parameters(), lr=5e-4), 1.0, "fp32", SEED, group, ITEMS)
    sizes = shares(ITEMS, group.size)
    for number in range(STEPS_OF_ADAM):
        batch = make_batch(number * ITEMS + sum(sizes[: group.rank]), sizes[group.rank], uneven)
        inputs = {m: replace(part, values=_of(kind, part.values), again=None) for m, part in batch.inputs.items()}
        step([replace(batch, inputs=inputs)])
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def _of(kind, values):
    return values.to(kind) if values.is_floating_point() else values


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3])
def test_twenty_steps_of_adam_in_double(on_ranks, double, size):
    whole, found = train_with_adam(Group(), torch.float64), on_ranks(size, train_with_adam, torch.float64, limit=200.0)
    assert all(torch.equal(weights, found[0]) for weights in found)
    assert (found[0] - whole).abs().max() <= 1e-9


@pytest.mark.slow
def test_twenty_steps_of_adam_in_single(on_ranks):
    whole, found = train_with_adam(Group(), torch.float32), on_ranks(2, train_with_adam, torch.float32, limit=200.0)
    assert all(torch.equal(weights, found[0]) for weights in found)
    assert (
        found[0] - whole
    ).abs().max() <= 1e-3  # two steps of the learning rate, for a gradient that is only rounding
    assert (found[0] - whole).norm() / whole.norm() <= 1e-5
