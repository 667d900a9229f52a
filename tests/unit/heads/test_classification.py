import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from m5kit.errors import ConfigError
from m5kit.heads.classification import ClassificationHead
from m5kit.registry import HEADS


def head(**arguments):
    torch.manual_seed(0)
    return ClassificationHead(dim=3, modalities=("a", "b"), classes=5, hidden=7, **arguments).eval()


def test_without_activation_it_is_linear_in_the_pooled_vectors(fused):
    doubled = replace(fused, pooled=2 * fused.pooled)
    nothing = replace(fused, pooled=0 * fused.pooled)
    readout = head()
    torch.testing.assert_close(readout(doubled) - readout(nothing), 2 * (readout(fused) - readout(nothing)))
    assert readout(fused).shape == (4, 5)


def test_every_modality_has_weights_of_its_own(fused):
    swapped = replace(fused, pooled=fused.pooled.flip(1))
    assert not torch.allclose(head()(swapped), head()(fused))


def test_the_embedding_is_the_hidden_layer(fused):
    readout = head(activation="relu")
    expected = (fused.pooled.flatten(1) @ readout.hidden.weight.T + readout.hidden.bias).relu()
    torch.testing.assert_close(readout.embed(fused), expected)
    torch.testing.assert_close(readout(fused), readout.classes(expected))


def test_dropout_acts_in_training_only_and_never_on_the_embedding(fused):
    readout = head(dropout=0.5).train()
    assert not torch.equal(readout(fused), readout(fused))
    assert readout.embed(fused).equal(readout.embed(fused))
    assert readout.eval()(fused).equal(readout(fused))


def test_items_without_label_do_not_count():
    logits = torch.zeros(3, 5, requires_grad=True)
    loss = head().loss(logits, torch.tensor([2, -1, -1]))
    assert loss.item() == pytest.approx(math.log(5))
    loss.backward()
    assert logits.grad[1:].abs().sum() == 0
    assert head().loss(logits, torch.tensor([-1, -1, -1])).item() == 0


def test_labels_can_be_smoothed():
    logits, target = torch.randn(3, 5), torch.tensor([0, 4, 2])
    expected = F.cross_entropy(logits, target, label_smoothing=0.1, reduction="sum")
    torch.testing.assert_close(head(label_smoothing=0.1).loss(logits, target), expected)


def test_the_gradient_reaches_the_pooled_vectors_of_labelled_items(fused):
    readout = head()
    readout.loss(readout(fused), torch.tensor([1, -1, 0, 3])).backward()
    assert (fused.pooled.grad.abs().sum(dim=(1, 2)) > 0).tolist() == [True, False, True, True]


def test_it_is_found_by_name_with_the_papers_width():
    readout = HEADS.build({"type": "classification"}, dim=3, modalities=("a", "b"), classes=5, observed=None)
    assert readout.hidden.out_features == 1024
    assert readout.dropout.p == 0.1


def test_balanced_classes_weigh_the_same_in_sum():
    readout = head(class_weights="balanced", class_counts=[6, 2, 0, 1, 1])
    assert readout.class_weights.tolist() == pytest.approx([10 / 24, 1.25, 1.0, 2.5, 2.5])
    logits, target = torch.randn(4, 5), torch.tensor([0, 3, -1, 1])
    each = F.cross_entropy(logits, target.clamp(min=0), reduction="none")
    expected = each[0] * 10 / 24 + each[1] * 2.5 + each[3] * 1.25
    torch.testing.assert_close(readout.loss(logits, target), expected)


def test_weights_may_be_given_by_class():
    readout = head(class_weights={"fig": 3.0}, class_names=("apple", "fig", "kiwi", "pear", "plum"))
    assert readout.class_weights.tolist() == [1, 3, 1, 1, 1]
    with pytest.raises(ConfigError, match=r"head.class_weights: no class is named 'figs'; did you mean 'fig'\?"):
        head(class_weights={"figs": 3.0}, class_names=("apple", "fig"))


def test_a_rebuilt_head_takes_its_weights_from_the_checkpoint():
    trained = head(class_weights="balanced", class_counts=[6, 2, 0, 1, 1])
    rebuilt = head(class_weights="balanced")
    rebuilt.load_state_dict(trained.state_dict())
    assert rebuilt.class_weights.equal(trained.class_weights)
    assert "class_weights" not in head().state_dict()
