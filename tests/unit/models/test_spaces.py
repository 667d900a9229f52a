"""Every space alone has the bits that it has among all of them."""

from dataclasses import replace

import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.spaces import Spaces
from m5kit.registry import BALANCERS

ROWS = [("text", "image"), ("text",), (), ("text", "table")]


@pytest.fixture
def model(backbone):
    balancer = BALANCERS.build({"type": "fixed"}, tasks=())
    model = Pretrainer(backbone=backbone().eval(), tasks={}, weights={}, balancer=balancer).eval()
    model.backbone.taught.fill_(True)
    return model


@pytest.mark.parametrize("rows", [ROWS, [("text",), ("text",)], [()]])
@pytest.mark.parametrize("space", ["item", "fused", "unscaled", "contrastive", "text", "audio"])
def test_a_space_alone_is_what_it_is_among_all(model, batch, rows, space):
    whole = model.embed(batch(rows)).vectors(space)
    assert torch.equal(model.take(batch(rows), lambda found: found.vectors(space)), whole)


def test_what_nobody_asks_for_is_not_computed(model, batch, monkeypatch):
    def refuse(spaces):
        raise AssertionError("contrastive vectors were computed")

    monkeypatch.setattr(Spaces, "_aligned", refuse)
    assert model.take(batch(ROWS), lambda found: found.vectors("item")).shape[0] == len(ROWS)
    assert model.take(batch(ROWS), lambda found: found.weights).shape[0] == len(ROWS)


def test_an_item_of_several_rows_has_one_vector(model, batch):
    rows = replace(batch(ROWS), owners=torch.tensor([0, 1, 1, 1]))
    taken = model.take(rows, lambda found: found.vectors("item"))
    assert torch.equal(taken, model.embed(rows).item)


def test_unknown_spaces_are_refused_with_the_known_ones(model, batch):
    with pytest.raises(ConfigError, match=r"there is no .smell.; choose one of item, fused.*text"):
        model.take(batch(ROWS), lambda found: found.vectors("smell"))
