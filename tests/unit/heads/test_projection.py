from dataclasses import replace

import torch

from m5kit.heads.projection import ProjectionHead


def head():
    torch.manual_seed(0)
    return ProjectionHead(dim=3, width=4)


def test_embeddings_are_unit_vectors_and_the_prediction_is_the_embedding(fused):
    readout = head()
    torch.testing.assert_close(readout(fused).norm(dim=1), torch.ones(4))
    assert readout(fused).equal(readout.embed(fused))


def test_the_loss_is_lower_where_a_class_lies_together():
    corners = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    together = head().loss(corners, torch.tensor([0, 0, 1, 1]))
    apart = head().loss(corners, torch.tensor([0, 1, 0, 1]))
    assert together < 0.01
    assert apart > 5


def test_without_a_shared_class_the_loss_is_zero_and_can_be_propagated(fused):
    readout = head()
    loss = readout.loss(readout(fused), torch.tensor([0, 1, -1, -1]))
    loss.backward()
    assert loss.item() == 0
    assert fused.embedding.grad.abs().sum() == 0


def test_one_item_alone_gives_zero(fused):
    alone = replace(fused, embedding=fused.embedding[:1])
    assert head().loss(head()(alone), torch.tensor([0])).item() == 0
