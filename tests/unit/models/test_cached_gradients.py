"""A step in chunks has the gradient of the whole batch, whatever the model is made of and whatever is missing."""

import random
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn

from m5kit.errors import ConfigError, ContractError
from m5kit.models.backbone import Backbone
from m5kit.models.cached_gradients import CachedGradients, needs_cache, require_chunks
from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import BALANCERS, ENCODERS, FUSIONS, HARMONIZERS, TASKS
from m5kit.structures import Batch, Inputs, TaskOutput
from m5kit.tasks.base import Task

OFTEN = ("scale", "one_stream")


def often_or_slow(names: list[str], often) -> list:
    """Those that every run of the tests tries; the others are for the slow one."""
    return [name if often(name) else pytest.param(name, marks=pytest.mark.slow) for name in names]


MODALITIES = ("audio", "image", "table", "text", "video")
MASKED = {
    "audio": {"type": "masked_features", "observed": 32},
    "image": {"type": "masked_features", "observed": 192, "reads": "both"},
    "video": {"type": "masked_features", "observed": 192, "unit": "group", "turns": True},
    "text": {"type": "masked_tokens", "vocabulary": 20, "weight_on": "both", "turns": True},
    "table": {"type": "masked_entities", "vocabulary": 20},
}
CONTRASTIVE = {"type": "contrastive"}
COMPARING = {
    "contrastive": CONTRASTIVE,
    "paper": {"type": "contrastive", "negatives": "paper", "weight_on": "both", "over_pairs": "sum"},
    "ntxent": {"type": "contrastive", "negatives": "ntxent", "learnable_temperature": True},
    "sigmoid": {"type": "contrastive", "negatives": "sigmoid", "balanced": True, "view": "clean"},
    "matching": {"type": "matching"},
    "hard matching": {"type": "matching", "hard": True, "view": "clean"},
    "mined": {"type": "mined_contrastive", "queue": 8, "positives": "kind", "margin": 0.1, "hardest": 3},
    "joint": {"type": "joint_contrastive", "over": ("text", "image")},
    "within": {"type": "within_contrastive"},
}
ALONE = {
    "completion": {"type": "completion", "view": "masked"},
    "alignment": {"type": "alignment", "between": ("text", "image")},
}


@pytest.fixture
def double():
    """Half of the digits are lost where features are made float32, so let that be double too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)
        yield


def some(count: int) -> list[tuple[str, ...]]:
    """Which modalities items have: some of them, one nothing, and nobody of the last three sound or film."""
    draw = random.Random(1)
    rows = [tuple(m for m in MODALITIES if draw.random() < 0.8) for _ in range(count)]
    rows[1] = ()
    return rows[:-3] + [tuple(m for m in names if m not in ("audio", "video")) for names in rows[-3:]]


def augmented(batch: Batch, double: bool = True) -> Batch:
    """The items with a second augmentation, noise or a change of ids, in double precision."""
    inputs = {}
    for m, part in batch.inputs.items():
        values = part.values.double() if double and part.values.is_floating_point() else part.values
        inputs[m] = replace(part, values=values, again=replace(part, values=values.flip(0).roll(1, -1)))
    return replace(batch, inputs=inputs)


def pretrainer(backbone: Backbone, tasks: dict, balancer: str = "fixed") -> Pretrainer:
    facts = {"dim": 16, "features": 16, "modalities": MODALITIES}
    built = {m: TASKS.build({**config, "modality": m, "rate": 0.5}, **facts) for m, config in MASKED.items()}
    built |= {name: TASKS.build(dict(config), **facts) for name, config in tasks.items()}
    weights = {name: 1.0 + number / 7 for number, name in enumerate(built)}
    model = Pretrainer(
        backbone=backbone,
        tasks=built,
        weights=weights,
        balancer=BALANCERS.build({"type": balancer}, tasks=tuple(built)),
    )
    nn.init.constant_(backbone.items.gate, 0.3)  # from zero it would hide what goes through it
    return model.train()


def gradients(model: nn.Module) -> dict[str, torch.Tensor | None]:
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def without_dropout(model: nn.Module) -> nn.Module:
    """Nothing random, neither in modules of that name nor where a library calls a function."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for settings in (module, getattr(module, "config", None)):
            for name, value in list(vars(settings).items()) if settings is not None else []:
                if isinstance(value, float) and ("drop" in name or name.startswith("mask_")):
                    setattr(settings, name, 0.0)
    return model


def expect_equal(make, batch: Batch, size: int, most: float, steps: int = 1) -> None:
    """Losses, gradients, which of them there are, logs and buffers of some steps, in chunks and whole."""
    whole, cut = make(), make()
    for _ in range(steps):  # a second one begins with the statistics, the queue and the factors of the first
        expected = whole.loss(batch, 0)
        expected.loss.backward()
        parts, totals = CachedGradients(cut, batch.chunks(size), 0, nullcontext)()
        penalty = cut.penalty(totals)
        if penalty.requires_grad:
            penalty.backward()
        loss = sum(part.loss for part in parts) + penalty.detach()
        cut.observe(parts, totals, loss.isfinite())
        assert abs(loss - expected.loss.detach()) <= most * expected.loss.detach().abs()
        ours, theirs = gradients(cut), gradients(whole)
        assert {name for name in ours if ours[name] is None} == {name for name in theirs if theirs[name] is None}
        there = [name for name in ours if ours[name] is not None]
        difference = torch.cat([(ours[name] - theirs[name]).flatten() for name in there]).norm()
        assert difference <= most * torch.cat([theirs[name].flatten() for name in there]).norm()
        for (name, one), (_, other) in zip(cut.named_buffers(), whole.named_buffers(), strict=True):
            torch.testing.assert_close(one, other, rtol=10 * most, atol=10 * most, msg=name)
        whole.zero_grad(), cut.zero_grad()


@pytest.fixture
def check(double, backbone, batch):
    def run(tasks, *, size=3, steps=1, balancer="fixed", fusion="scale", harmonizer="agreement", **switches):
        def make():
            return pretrainer(backbone(fusion, harmonizer, **switches), tasks, balancer).double()

        expect_equal(make, augmented(batch(some(8))), size, 1e-12, steps)

    return run


def test_every_registered_task_is_tried():
    tried = {config["type"] for config in (*MASKED.values(), *COMPARING.values(), *ALONE.values())}
    assert tried == set(TASKS.built_ins)  # other tests register parts of their own


@pytest.mark.parametrize("task", [*COMPARING, *ALONE])
def test_each_task(check, task):
    check({task: (COMPARING | ALONE)[task]})


@pytest.mark.parametrize("fusion", often_or_slow(sorted(FUSIONS.built_ins), OFTEN.__contains__))
def test_each_fusion_with_all_tasks(check, fusion):
    check(COMPARING | ALONE, fusion=fusion)


@pytest.mark.parametrize("harmonizer", sorted(HARMONIZERS.built_ins))
def test_each_harmonizer_before_and_after_the_fusion(check, harmonizer):
    check({"contrastive": CONTRASTIVE}, harmonizer=harmonizer)
    check({"contrastive": CONTRASTIVE}, harmonizer=harmonizer, pairs_from="fused", tasks_from="encoded")


def test_weights_that_losses_can_lower_take_their_gradient_along(double, backbone, batch):
    def make():
        base = backbone()
        base.harmonizer = HARMONIZERS.build({"type": "graph", "detach": False}, modalities=MODALITIES)
        return pretrainer(base, {"contrastive": CONTRASTIVE}).double()

    expect_equal(make, augmented(batch(some(8))), 3, 1e-12)


@pytest.mark.parametrize("balancer", sorted(BALANCERS.built_ins))
def test_each_balancer(check, balancer):
    check({name: COMPARING[name] for name in ("contrastive", "matching", "mined")}, balancer=balancer, steps=2)


@pytest.mark.parametrize("size", [2, 7])
def test_each_size_of_a_chunk(check, size):
    check({"contrastive": CONTRASTIVE, "matching": COMPARING["matching"]}, size=size)


@pytest.mark.parametrize("switch", ["weigh_pairs", "weigh_tasks", "weigh_pooling"])
def test_switched_off_weights(check, switch):
    check({"contrastive": CONTRASTIVE}, harmonizer="graph", **{switch: False})


def test_without_a_task_that_compares_statistics_are_still_those_of_the_whole_step(check):
    check({})


@pytest.mark.parametrize(
    "kind", often_or_slow(sorted(ENCODERS.built_ins), lambda name: not name.startswith(("hf_", "open_clip")))
)
def test_each_encoder_in_single_precision(kind):
    torch.manual_seed(1)
    rows = torch.tensor([0, 1, 2, 0, 1, 2])
    given = ENCODERS.get(kind).example()[1].take(rows)
    words = Inputs(torch.randint(3, 20, (6, 5)), torch.tensor([5, 3, 1, 4, 2, 5]))
    items = Batch(tuple("012345"), ("a", "b"), torch.ones(6, 2, dtype=torch.bool), {"a": given, "b": words})

    def make():
        torch.manual_seed(0)
        encoder = ENCODERS.get(kind).example()[0]
        dim = encoder(given).values.shape[-1]
        small = {"dim": dim, "heads": 2, "layers": 1, "dropout": 0.0}
        other = ENCODERS.build({"type": "text_tokens", "vocabulary": 20, "max_tokens": 6, "mask_id": 2} | small)
        backbone = Backbone(
            encoders={"a": encoder, "b": other},
            fusion=FUSIONS.build({"type": "concat"}, modalities=("a", "b"), **small),
            harmonizer=HARMONIZERS.build({"type": "graph"}),
            features=encoder.given if encoder.aligned else 16,
        )
        tasks = {"contrastive": TASKS.build(CONTRASTIVE), "matching": TASKS.build({"type": "matching"}, dim=dim)}
        fixed = BALANCERS.build({"type": "fixed"}, tasks=tuple(tasks))
        model = Pretrainer(backbone=backbone, tasks=tasks, weights=dict.fromkeys(tasks, 1.0), balancer=fixed).train()
        return without_dropout(model)

    expect_equal(make, items, 4, 1e-6)


def test_dropout_is_that_of_one_graph_over_all_chunks(double, batch):
    """A machine with room for all chunks would drop what the two passes drop, and have the same gradient."""
    torch.manual_seed(0)
    small = {"dim": 16, "heads": 2, "layers": 1, "dropout": 0.3}
    encoders = {
        "text": ENCODERS.build({"type": "text_tokens", "vocabulary": 20, "max_tokens": 6, "mask_id": 2} | small),
        "image": ENCODERS.build({"type": "image_patches", "size": 16, "patch": 8} | small),
    }
    names = ("image", "text")
    fusion = FUSIONS.build({"type": "scale"}, modalities=names, **small)
    backbone = Backbone(
        encoders=encoders, fusion=fusion, harmonizer=HARMONIZERS.build({"type": "uniform"}), features=16
    )
    tasks = {"contrastive": TASKS.build(CONTRASTIVE)}
    fixed = BALANCERS.build({"type": "fixed"}, tasks=tuple(tasks))
    model = Pretrainer(backbone=backbone, tasks=tasks, weights={"contrastive": 1.0}, balancer=fixed).double().train()
    chunks = augmented(batch([names] * 7)).chunks(3)
    cached = CachedGradients(model, chunks, 0, nullcontext)
    views = [cached.view(index, "masked", model.prepare(chunk, 0)) for index, chunk in enumerate(chunks)]
    features = torch.cat([view.features for view in views])
    pairs = torch.cat([view.harmony.pairs for view in views])
    whole = replace(
        views[0],
        features=features,
        present=torch.ones(7, 2, dtype=torch.bool),
        harmony=replace(views[0].harmony, pairs=pairs),
    )
    tasks["contrastive"].loss(whole).loss.backward()
    expected = gradients(model)
    model.zero_grad()
    cached()
    for name, found in gradients(model).items():
        if expected[name] is not None:
            torch.testing.assert_close(found, expected[name], rtol=1e-12, atol=1e-12)
    model.zero_grad()
    CachedGradients(model, chunks, 0, nullcontext)()  # a new step drops others
    assert any(
        (found - expected[name]).abs().max() > 1e-6 for name, found in gradients(model).items() if found is not None
    )


class Peeks(Task):
    """Says that features are enough, and reads more."""

    compares_items = True
    features_are_enough = True

    def loss(self, view, hidden):
        return TaskOutput(view.fused.embedding.sum())


def test_a_task_that_reads_more_than_it_says_is_told_so(backbone, batch):
    model = pretrainer(backbone(), {})
    model.tasks["peeks"] = Peeks()
    model.register_buffer("weights", torch.ones(len(model.tasks)))
    with pytest.raises(ContractError, match=r"features_are_enough and reads View\.fused\.embedding"):
        CachedGradients(model, batch([MODALITIES] * 4).chunks(2), 0, nullcontext)()


def test_a_task_that_hides_and_compares_is_refused(backbone):
    model = pretrainer(backbone(), {"contrastive": CONTRASTIVE})
    require_chunks(model)
    model.tasks["contrastive"].modality = "text"
    with pytest.raises(ConfigError, match=r"schedule\.chunk: task_contrastive hides tokens and compares items"):
        require_chunks(model)


def test_only_what_chunks_would_change_needs_a_cache(backbone):
    assert needs_cache(pretrainer(backbone(harmonizer="graph"), {"contrastive": CONTRASTIVE}))
    assert needs_cache(pretrainer(backbone(harmonizer="agreement"), {}))
    assert not needs_cache(pretrainer(backbone(harmonizer="graph"), {}))
