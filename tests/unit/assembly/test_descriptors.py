from types import SimpleNamespace

import pytest
import torch

from m5kit.api import Descriptor, Inputs
from m5kit.assembly import descriptors
from m5kit.assembly.descriptors import weigh_blocks
from m5kit.inference.trained_run import TrainedRun


class Plain(Descriptor):
    """The values as they are."""

    def measure(self, inputs):
        return inputs.values


def _noise(seed, items, width=6):
    return torch.randn(items, width, generator=torch.Generator().manual_seed(seed))


def _fitted(blocks, values, shares=None):
    plain = Plain(blocks=blocks, shares=shares)
    plain.fit(values)
    return plain


@pytest.mark.parametrize("items", [60, 400])
def test_what_agrees_with_another_modality_counts_more(items):
    said = _noise(0, items)
    two = torch.cat([_noise(1, items), said + 0.3 * _noise(2, items)], dim=1)
    first, second = _fitted((6, 6), two), _fitted((6,), said)
    weigh_blocks({"a": first, "b": second}, {"a": two, "b": said}, dict.fromkeys("ab", torch.arange(items)))
    assert first.shares[1] > 1.8 * first.shares[0] > 0
    assert second.shares.tolist() == [1.0]


def test_only_the_items_that_have_both_are_compared():
    said, alone = _noise(0, 100), _noise(3, 40)
    two = torch.cat([torch.cat([_noise(1, 100), alone]), torch.cat([said, alone])], dim=1)  # 100 items, then 40 more
    rows = {"a": torch.arange(140), "b": torch.arange(100)}
    first, second = _fitted((6, 6), two), _fitted((6,), said)
    weigh_blocks({"a": first, "b": second}, {"a": two, "b": said}, rows)
    assert first.shares[1] > 1.8 * first.shares[0]


def test_what_agrees_with_nothing_keeps_its_shares():
    two, other = _noise(0, 400, 12), _noise(1, 400)
    first, second = _fitted((6, 6), two, (2.0, 1.0)), _fitted((6,), other)
    weigh_blocks({"a": first, "b": second}, {"a": two, "b": other}, dict.fromkeys("ab", torch.arange(400)))
    assert 1.3 < first.shares[0] / first.shares[1] < 3


@pytest.mark.parametrize("items", [1, 30])
def test_few_items_and_a_single_modality_change_nothing(items):
    two, other = _noise(0, items, 12), _noise(1, items)
    first, second = _fitted((6, 6), two, (2.0, 1.0)), _fitted((6,), other)
    weigh_blocks({"a": first, "b": second}, {"a": two, "b": other}, dict.fromkeys("ab", torch.arange(items)))
    weigh_blocks({"a": first}, {"a": two}, {"a": torch.arange(items)})
    assert first.shares.tolist() == [2.0, 1.0]


def test_what_studies_pieces_has_seen_them_before_it_is_fitted(run_folder):
    model = TrainedRun.open(run_folder).model
    studied = {m: d for m, d in model.backbone.vectors.descriptors.items() if d.studies}
    assert studied
    for descriptor in studied.values():
        assert descriptor.fitted
        assert descriptor.dictionary.filters.any()
        assert descriptor.whole.fitted
        assert descriptor.regions.fitted
        assert descriptor.shares[-1] > 0


class Studious(Plain):
    """Writes down how many pieces it saw."""

    studies = True
    seen = 0

    def pieces(self, inputs):
        return inputs.values

    def study(self, pieces):
        self.seen = len(pieces)


class Rare:
    """Data in which only the last item has sound."""

    def __init__(self, items):
        self.items = items

    def of(self, most):
        there = torch.ones(min(most, self.items))
        yield SimpleNamespace(inputs={"b": Inputs.stack([Inputs.single(torch.ones(2))] * len(there))})
        if most > self.items:
            yield SimpleNamespace(inputs={"a": Inputs.stack([Inputs.single(torch.ones(2))])})


def test_what_few_items_have_is_studied_in_all_that_are_measured(monkeypatch):
    monkeypatch.setattr(descriptors, "_batches", lambda data, most: data.of(most))
    rare, common, never = (Studious(blocks=(2,)) for _ in range(3))
    descriptors._study({"a": rare, "b": common, "c": never}, Rare(1000))
    assert (rare.seen, common.seen, never.seen) == (1, 512, 0)
