"""The total loss is the weighted sum of the tasks, reaches every encoder, and never is NaN."""

from itertools import combinations

import pytest
import torch

from m5kit.models.embedder import embed
from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import TASKS

EVERY = ("audio", "image", "table", "text", "video")
SUBSETS = [names for size in range(1, 6) for names in combinations(EVERY, size)]
MASKED = {
    "audio": {"type": "masked_features", "observed": 32},
    "image": {"type": "masked_features", "observed": 192},
    "video": {"type": "masked_features", "observed": 192, "unit": "group"},
    "text": {"type": "masked_tokens", "vocabulary": 20},
    "table": {"type": "masked_entities", "vocabulary": 20},
}


@pytest.fixture
def pretrainer(backbone):
    def build(view: str = "masked", weights: dict[str, float] | None = None, **options) -> Pretrainer:
        base = backbone(**options)
        facts = {"dim": 16, "features": 16, "modalities": EVERY}
        tasks = {m: TASKS.build({**config, "modality": m, "rate": 0.5}, **facts) for m, config in MASKED.items()}
        tasks["contrastive"] = TASKS.build({"type": "contrastive", "view": view}, **facts)
        return Pretrainer(backbone=base, tasks=tasks, weights=dict.fromkeys(tasks, 1.0) | (weights or {}))

    return build


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_parameter_learns_from_complete_items(pretrainer, batch):
    model = pretrainer()
    model.loss(batch([EVERY] * 6), _generator()).loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_total_is_the_weighted_sum(pretrainer, batch):
    model = pretrainer(weights={"image": 0.0, "text": 3.0}).eval()
    output = model.loss(batch([EVERY] * 4), _generator())
    logs = {name.removeprefix("loss/"): value for name, value in output.logs.items() if name.startswith("loss/")}
    expected = sum(model.weights[name] * value for name, value in logs.items())
    assert output.loss.item() == pytest.approx(expected.item())


@pytest.mark.parametrize("rows", [[("text",)], [("text",), ("image",)], [("table", "audio")], [(), EVERY]])
def test_whatever_is_missing_the_loss_is_finite_and_can_go_back(pretrainer, batch, fusion, rows):
    model = pretrainer(fusion=fusion)
    output = model.loss(batch(rows), _generator())
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
def test_each_of_the_31_subsets_trains_and_embeds(pretrainer, batch, names):
    model, items = pretrainer(), batch([names] * 3)
    output = model.loss(items, _generator())
    output.loss.backward()
    learned = {
        name.split(".")[2] for name, p in model.named_parameters() if ".encoders." in name and p.grad is not None
    }
    assert output.loss.isfinite()
    assert learned == set(names)
    assert torch.allclose(embed(model.eval(), items).fused.norm(dim=1), torch.ones(3), atol=1e-5)


def test_a_batch_with_nothing_costs_nothing(pretrainer, batch):
    output = pretrainer().loss(batch([(), ()]), _generator())
    assert output.loss.item() == 0.0
    assert not output.loss.requires_grad


def test_the_generator_decides_what_is_hidden(pretrainer, batch):
    model, items = pretrainer().eval(), batch([EVERY] * 4)
    first, same, other = (model.loss(items, _generator(seed)).loss for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_clean_view_is_a_second_pass(pretrainer, batch):
    items = batch([EVERY] * 4)
    for view, passes in (("masked", 1), ("clean", 2)):
        model, calls = pretrainer(view=view).eval(), []
        model.backbone.fusion.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        model.loss(items, _generator())
        assert len(calls) == passes


def test_logs_carry_no_gradient_and_shares_sum_to_one(pretrainer, batch):
    output = pretrainer().loss(batch([EVERY] * 3), _generator())
    assert not any(value.requires_grad for value in output.logs.values())
    assert sum(output.logs[f"weight/{m}"].item() for m in EVERY) == pytest.approx(1.0)
