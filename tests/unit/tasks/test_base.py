import pytest
import torch

from m5kit.structures import Hidden
from m5kit.tasks.masked_features import MaskedFeaturesTask
from m5kit.tasks.masked_ids import MaskedTokensTask

HIDDEN = Hidden(torch.tensor([0, 5]), torch.tensor([4, 7]))


def task(reads):
    torch.manual_seed(0)
    return MaskedTokensTask(modality="b", dim=8, vocabulary=10, reads=reads)


def test_both_is_the_sum_of_what_two_heads_make_of_the_two_passes(make_view):
    view, both = make_view([[1, 1], [1, 1]]), task("both")
    fused, encoded = task("fused"), task("encoded")
    fused.head.load_state_dict(both.head.state_dict())
    encoded.head.load_state_dict(both.early.state_dict())
    output = both(view, HIDDEN)
    assert output.loss.item() == pytest.approx(fused(view, HIDDEN).loss.item() + encoded(view, HIDDEN).loss.item())
    assert set(output.logs) == {"accuracy", "encoded_accuracy"}


def test_both_trains_both_passes(make_view):
    view = make_view([[1, 1], [1, 1]])
    task("both")(view, HIDDEN).loss.backward()
    assert view.fused.tokens["b"].values.grad.abs().sum() > 0
    assert view.encoded["b"].values.grad.abs().sum() > 0


def test_features_have_a_second_head_too(make_view):
    torch.manual_seed(0)
    view, hidden = make_view([[1, 1]]), Hidden(torch.tensor([1]), torch.randn(1, 3))
    both = MaskedFeaturesTask(modality="a", dim=8, observed=3, reads="both")
    alone = MaskedFeaturesTask(modality="a", dim=8, observed=3)
    alone.head.load_state_dict(both.head.state_dict())
    assert both(view, hidden).loss > alone(view, hidden).loss > 0


def test_without_a_second_reading_there_is_one_head():
    assert [name for name in task("fused").state_dict() if not name.startswith("head.")] == []
