"""The total loss is the weighted sum of the tasks, reaches every encoder, and never is NaN."""

from itertools import combinations

import pytest
import torch

from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import BALANCERS, TASKS

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
    def build(view="masked", weights=None, balancer="fixed", **options) -> Pretrainer:
        base = backbone(**options)
        facts = {"dim": 16, "features": 16, "modalities": EVERY}
        tasks = {m: TASKS.build({**config, "modality": m, "rate": 0.5}, **facts) for m, config in MASKED.items()}
        tasks["contrastive"] = TASKS.build({"type": "contrastive", "view": view}, **facts)
        return Pretrainer(
            backbone=base,
            tasks=tasks,
            weights=dict.fromkeys(tasks, 1.0) | (weights or {}),
            balancer=BALANCERS.build({"type": balancer}, tasks=tuple(tasks)),
        )

    return build


def test_every_parameter_learns_from_complete_items(pretrainer, batch):
    model = pretrainer()
    model.loss(batch([EVERY] * 6), 0).loss.backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == [
        "backbone.items.gate",
        "backbone.items.addition.weight",
    ]  # what the fusion adds to items is taught by completion alone


def test_the_total_is_the_weighted_sum(pretrainer, batch):
    model = pretrainer(weights={"image": 0.0, "text": 3.0}).eval()
    output = model.loss(batch([EVERY] * 4), 0)
    logs = {name.removeprefix("loss/"): value for name, value in output.logs.items() if name.startswith("loss/")}
    expected = sum({"image": 0.0, "text": 3.0}.get(name, 1.0) * value for name, value in logs.items())
    assert output.loss.item() == pytest.approx(expected.item())


@pytest.mark.parametrize("rows", [[("text",)], [("text",), ("image",)], [("table", "audio")], [(), EVERY]])
def test_whatever_is_missing_the_loss_is_finite_and_can_go_back(pretrainer, batch, fusion, rows):
    model = pretrainer(fusion=fusion)
    output = model.loss(batch(rows), 0)
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
def test_each_of_the_31_subsets_trains_and_embeds(pretrainer, batch, names):
    model, items = pretrainer(), batch([names] * 3)
    output = model.loss(items, 1)
    output.loss.backward()
    learned = {
        name.split(".")[2] for name, p in model.named_parameters() if ".encoders." in name and p.grad is not None
    }
    assert output.loss.isfinite()
    assert learned == set(names)
    assert torch.allclose(model.eval().embed(items).fused.norm(dim=1), torch.ones(3), atol=1e-5)


def test_a_batch_with_nothing_costs_nothing(pretrainer, batch):
    output = pretrainer().loss(batch([(), ()]), 0)
    assert output.loss.item() == 0.0
    assert not output.loss.requires_grad


def test_the_seed_decides_what_is_hidden(pretrainer, batch):
    model, items = pretrainer().eval(), batch([EVERY] * 4)
    first, same, other = (model.loss(items, seed).loss for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_clean_view_is_a_second_pass(pretrainer, batch):
    items = batch([EVERY] * 4)
    for view, passes in (("masked", 1), ("clean", 2)):
        model, calls = pretrainer(view=view).eval(), []
        model.backbone.fusion.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        model.loss(items, 0)
        assert len(calls) == passes


def test_logs_carry_no_gradient_and_shares_sum_to_one(pretrainer, batch):
    output = pretrainer().loss(batch([EVERY] * 3), 0)
    assert not any(value.requires_grad for value in output.logs.values())
    assert sum(output.logs[f"weight/{m}"].item() for m in EVERY) == pytest.approx(1.0)


@pytest.mark.parametrize("balancer", ["uncertainty", "gradnorm", "dwa"])
@pytest.mark.parametrize("rows", [[EVERY] * 3, [("text",)], [("text",), ("image",)], [("table", "audio")], [()]])
def test_every_balancer_trains_whatever_is_missing(pretrainer, batch, balancer, rows):
    model = pretrainer(balancer=balancer)
    for seed in range(3):
        output = model.loss(batch(rows, seed), seed)
        if output.loss.requires_grad:
            output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    weights = [value.item() for name, value in output.logs.items() if name.startswith("balance/")]
    assert len(weights) == len(model.tasks)
    assert min(weights) > 0


def test_the_weight_of_a_task_stays_beside_the_balancers(pretrainer, batch):
    model = pretrainer(weights={"image": 0.0, "text": 3.0}, balancer="gradnorm").eval()
    with torch.no_grad():
        model.balancer.log_weights.copy_(torch.arange(6) / 10)
    logs = model.loss(batch([EVERY] * 4), 0).logs
    names = {name.removeprefix("balance/") for name in logs if name.startswith("balance/")}
    assert names == model.tasks.keys()
    assert logs["balance/audio"].item() == pytest.approx(1.0)
    expected = sum(
        {"image": 0.0, "text": 3.0}.get(name, 1.0) * logs[f"balance/{name}"] * logs.get(f"loss/{name}", 0.0)
        for name in names
    )
    assert model.loss(batch([EVERY] * 4), 0).loss.item() == pytest.approx(expected.item())


def test_gradnorm_sees_every_task_through_the_encoded_tokens(pretrainer, batch):
    model = pretrainer(balancer="gradnorm")
    before = model.balancer.log_weights.clone()
    model.loss(batch([EVERY] * 6), 0)
    assert (model.balancer.first > 0).all()
    assert (model.balancer.log_weights != before).all()


def test_the_plain_sum_adds_no_state_and_no_figure(pretrainer, batch):
    model = pretrainer()
    assert [name for name in model.state_dict() if not name.startswith(("backbone.", "tasks."))] == []
    assert not any(name.startswith("balance/") for name in model.loss(batch([EVERY] * 2), 0).logs)


def test_a_task_that_wants_mismatches_gets_them_from_one_more_pass_of_the_fusion_alone(pretrainer, batch):
    model, fused, encoded = pretrainer(), [], []
    model.tasks["matching"] = TASKS.build({"type": "matching"}, dim=16)
    model = Pretrainer(
        backbone=model.backbone,
        tasks=model.tasks,
        weights=dict.fromkeys(model.tasks, 1.0),
        balancer=BALANCERS.build({"type": "fixed"}, tasks=tuple(model.tasks)),
    )
    model.backbone.fusion.register_forward_hook(lambda *_: fused.append(1))
    encode = model.backbone.encoders["text"].encode
    model.backbone.encoders["text"].encode = lambda seen: encoded.append(1) or encode(seen)
    output = model.loss(batch([EVERY] * 4), 0)
    output.loss.backward()
    assert (len(fused), len(encoded)) == (2, 1)
    assert output.logs["loss/matching"] > 0
    assert all(p.grad.abs().sum() > 0 for p in model.tasks["matching"].parameters())


def test_of_the_tasks_that_take_turns_one_hides_in_an_item(pretrainer, batch):
    model, items, seen = pretrainer().eval(), batch([EVERY] * 4), set()
    for name in ("image", "text"):
        model.tasks[name].turns = True
    for seed in range(10):
        part = model.prepare(items, seed)
        hiding = {name: hiding_items(part, name) for name in EVERY}
        assert not hiding["image"] & hiding["text"]
        assert all(hiding[name] for name in ("audio", "table"))
        for name in ("image", "text"):
            shown, clean = part.observations["masked"][name].values, part.observations["clean"][name].values
            changed = (shown != clean).flatten(1).any(1).nonzero().squeeze(1).tolist()
            assert set(changed) <= hiding[name]
            seen |= {(name, item) for item in hiding[name]}
    assert seen == {(name, item) for name in ("image", "text") for item in range(4)}


def hiding_items(part, name):
    """Rows of the observation in which a task hid something."""
    return set((part.hidden[name].positions // part.observations["clean"][name].values.shape[1]).tolist())


def test_whose_turn_it_is_depends_on_who_is_there(pretrainer, batch):
    model = pretrainer().eval()
    for name in ("image", "text"):
        model.tasks[name].turns = True
    for seed in range(5):
        assert model.loss(batch([("text",)] * 4), seed).logs["loss/text"] > 0
