"""Changes of items follow from seed and id: the same in any order, nested in strength, and as strong as they say."""

import numpy as np
import pytest
import torch

from m5kit.assembly.corruption import CorruptedItems, collate_corrupted, noisy
from m5kit.data.dataset import ManifestDataset
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import Draw
from m5kit.evaluation.request import Corruption
from m5kit.structures import Inputs, Sample


class Given:
    """Decoder and transform of numbers that stand in the manifest; a table gives one number a property."""

    reads_lists = False

    def __call__(self, source, other=None):
        if isinstance(source, Inputs):
            return source
        values = list(source.values()) if isinstance(source, dict) else source
        return Inputs.single(torch.tensor(values, dtype=torch.float32))

    def blank(self):
        return Inputs.single(torch.zeros(1))

    def provides(self):
        return {}


def items(count=200, missing="mask"):
    pipelines = {m: Pipeline(Given(), Given()) for m in ("a", "b")}
    samples = [Sample(f"item {i}", {"a": [float(i)], "b": {"x": 1.0, "y": float(i)}}) for i in range(count)]
    clean = ManifestDataset(samples=samples, root=None, pipelines=pipelines, missing=missing)
    return clean, pipelines


def changed(change, count=200, missing="mask"):
    clean, pipelines = items(count, missing)
    return [view[0] for view in (CorruptedItems(clean, pipelines, [change])[Draw(9, i)] for i in range(count))]


def test_no_change_and_strength_zero_leave_everything():
    clean, pipelines = items(5)
    for view in CorruptedItems(
        clean, pipelines, [None, Corruption("missing", strength=0), Corruption("noise", strength=0)]
    )[Draw(0, 3)]:
        assert view.inputs["a"].values.tolist() == [3.0]
        assert view.inputs["b"].values.tolist() == [1.0, 3.0]


def test_a_larger_strength_takes_the_same_and_more():
    lost = [{p.id for p in changed(Corruption("missing", "a", s)) if "a" not in p.inputs} for s in (0.25, 0.5, 1.0)]
    assert lost[0] < lost[1] < lost[2]
    assert 30 <= len(lost[0]) <= 70
    assert len(lost[2]) == 200
    assert all("b" in item.inputs for item in changed(Corruption("missing", "a")))


def test_all_modalities_are_changed_each_by_itself():
    found = changed(Corruption("missing", None, 0.5))
    patterns = {("a" in item.inputs, "b" in item.inputs) for item in found}
    assert patterns == {(True, True), (True, False), (False, True), (False, False)}


def test_under_the_policy_zero_a_missing_modality_is_a_blank():
    assert all(item.inputs["a"].values.tolist() == [0.0] for item in changed(Corruption("missing", "a"), 5, "zero"))


def test_a_mismatch_is_the_modality_of_another_item():
    found = changed(Corruption("mismatch", "a", 0.5))
    swapped = [i for i, item in enumerate(found) if item.inputs["a"].values.tolist() != [float(i)]]
    assert 70 <= len(swapped) <= 130
    assert all(0 <= int(item.inputs["a"].values[0]) < 200 for item in found)
    assert all(item.inputs["b"].values.tolist() == [1.0, float(i)] for i, item in enumerate(found))


def test_the_only_item_has_nobody_to_be_mistaken_for():
    assert "a" not in changed(Corruption("mismatch", "a"), 1)[0].inputs


def test_a_property_is_withheld_and_with_the_last_one_the_modality():
    assert changed(Corruption("withheld", "b", key="x"), 3)[2].inputs["b"].values.tolist() == [2.0]
    clean, pipelines = items(1)
    clean.samples[0] = Sample("one", {"a": [1.0], "b": {"x": 1.0}})
    assert set(CorruptedItems(clean, pipelines, [Corruption("withheld", "b", key="x")])[Draw(0, 0)][0].inputs) == {"a"}


def test_other_seeds_and_other_items_draw_otherwise():
    first, again, other = (changed(Corruption("missing", "a", 0.5, seed)) for seed in (0, 0, 1))
    assert [set(item.inputs) for item in first] == [set(item.inputs) for item in again]
    assert [set(item.inputs) for item in first] != [set(item.inputs) for item in other]


def test_batches_of_the_same_items_one_for_each_change():
    clean, pipelines = items(6)
    views = CorruptedItems(clean, pipelines, [None, Corruption("missing", "a")])
    batches = collate_corrupted([views[Draw(i, i)] for i in range(6)], ("a", "b"))
    assert [batch.present.sum(0).tolist() for batch in batches] == [[6, 6], [0, 6]]
    assert batches[0].ids == batches[1].ids


def test_a_share_of_ids_is_replaced_by_others():
    ids = Inputs.single(torch.full((5000,), 7))
    few, many = (noisy(ids, share, 1000, np.random.default_rng(0)).values for share in (0.2, 0.6))
    assert float((few != 7).float().mean()) == pytest.approx(0.2, abs=0.02)
    assert bool(((few != 7) <= (many != 7)).all())
    assert int(many.max()) < 1000
