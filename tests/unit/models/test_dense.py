"""The dense path gives the vectors of the usual one, whatever items lack."""

import pytest
import torch

from m5kit.models.dense import DenseEmbedder
from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import BALANCERS, HARMONIZERS
from m5kit.structures import Inputs

ROWS = [("audio", "image", "table", "text", "video"), ("text",), (), ("image", "video"), ("audio", "table", "text")]


def model_of(backbone):
    return Pretrainer(
        backbone=backbone, tasks={}, weights={}, balancer=BALANCERS.build({"type": "fixed"}, tasks=())
    ).eval()


def everywhere(batch, modalities):
    """Inputs with a row for every item: 0 in those of items that lack the modality."""
    found = {}
    for m in modalities:
        there, part = batch.rows(m), batch.inputs[m]
        values = part.values.new_zeros(len(batch), *part.values.shape[1:]).index_copy(0, there, part.values)
        lengths = torch.ones(len(batch), dtype=torch.int64).index_copy(0, there, part.lengths)
        extras = {}
        for name, extra in part.extras.items():
            extras[name] = torch.full((len(batch), extra.shape[1]), -1).index_copy(0, there, extra)
        found[m] = Inputs(values, lengths, extras)
    return found


def columns(batch, modalities):
    return torch.stack([batch.present[:, batch.modalities.index(m)] for m in modalities], dim=1)


def differences(found, expected):
    assert torch.equal(found.item.isnan(), torch.zeros_like(found.item, dtype=torch.bool))
    pairs = [(found.item, expected.item), (found.unscaled, expected.unscaled), (found.weights, expected.weights)]
    return max(float((ours - theirs).abs().max()) for ours, theirs in pairs)


def test_every_fusion_gives_the_same_vectors(backbone, batch, fusion):
    model, items = model_of(backbone(fusion)), batch(ROWS)
    model.backbone.items.gate.data.fill_(0.5)  # or what the fusion adds would not be in the vector
    with torch.no_grad():
        found = DenseEmbedder(model, items.modalities)(items.present, everywhere(items, items.modalities))
    assert differences(found, model.embed(items)) < 1e-5


@pytest.mark.parametrize("harmonizer", sorted(HARMONIZERS.names()))
def test_every_harmonizer_gives_the_same_vectors(backbone, batch, harmonizer):
    model, items = model_of(backbone(harmonizer=harmonizer)), batch(ROWS)
    with torch.no_grad():
        found = DenseEmbedder(model, items.modalities)(items.present, everywhere(items, items.modalities))
    assert differences(found, model.embed(items)) < 1e-5


def test_other_modalities_count_as_absent(backbone, batch):
    model, items, chosen = model_of(backbone()), batch(ROWS), ("text", "image")
    with torch.no_grad():
        found = DenseEmbedder(model, chosen)(columns(items, chosen), everywhere(items, chosen))
    assert differences(found, model.embed(items.only(chosen))) < 1e-5


def test_what_stands_in_the_row_of_an_absent_modality_is_not_read(backbone, batch):
    model, items = model_of(backbone()), batch(ROWS)
    graph, inputs = DenseEmbedder(model, items.modalities), everywhere(items, items.modalities)
    with torch.no_grad():
        before = graph(items.present, inputs).item
        inputs["audio"].values[1] = float("inf")
        inputs["text"].values[2] = 19
        assert torch.equal(graph(items.present, inputs).item, before)
