"""What held-out items say about a model: ranks, neighbours, and the level of chance of each."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from m5kit.api import Sample
from m5kit.data.manifest import read_manifest
from m5kit.errors import ConfigError
from m5kit.training.held_out import (
    HeldOut,
    across_modalities,
    choose_label,
    effective_rank,
    held_out_items,
    leave_one_out,
)


def test_the_effective_rank_counts_directions_of_equal_weight():
    assert effective_rank(torch.eye(8)) == pytest.approx(8, rel=1e-3)
    assert effective_rank(torch.ones(8, 5)) == pytest.approx(1, rel=1e-3)
    assert effective_rank(torch.zeros(0, 5)) == 0


def test_the_effective_rank_is_the_exponential_of_an_entropy():
    vectors = torch.diag(torch.tensor([3.0, 1.0]))
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(vectors) == pytest.approx(math.exp(entropy), rel=1e-4)


def test_neighbours_of_well_separated_classes_agree():
    vectors = torch.eye(2).repeat_interleave(8, 0) + 0.01 * torch.randn(
        16, 2, generator=torch.Generator().manual_seed(0)
    )
    classes = np.array(["a"] * 8 + ["b"] * 8)
    assert leave_one_out(vectors, classes) == (1.0, 0.5)


def test_an_item_does_not_vote_for_itself():
    classes = np.array(["a", "b"])
    assert leave_one_out(torch.eye(2), classes) == (0.0, 0.5)


def test_items_without_a_class_are_left_out():
    vectors = torch.eye(2).repeat_interleave(8, 0)
    classes = np.array(["a"] * 8 + [""] * 8)
    assert leave_one_out(vectors, classes) == (1.0, 1.0)


def test_modalities_that_agree_find_each_other():
    features = torch.eye(4)[:, None].expand(4, 2, 4)
    assert across_modalities(features, torch.ones(4, 2, dtype=torch.bool)) == (1.0, 0.25)


def test_items_that_lack_a_modality_make_no_pair():
    present = torch.tensor([[True, True], [True, True], [True, False]])
    assert across_modalities(torch.eye(3)[:, None].expand(3, 2, 3), present) == (1.0, 0.5)


def test_the_label_that_most_items_share_is_chosen():
    labels = [{"kind": "a", "name": str(i), "shop": "x"} for i in range(4)] + [
        {"kind": "b", "name": "9", "shop": "x"}
    ] * 2
    items = [Sample(str(i), {}, each) for i, each in enumerate(labels)]
    assert choose_label(items) == "kind"
    assert choose_label([Sample("a", {}, {"name": "1"}), Sample("b", {}, {"name": "2"})]) is None


def _data(folder, val, train, splits):
    rows = [{"id": f"{split}{n}", "split": split, "text": "x"} for split in splits for n in range(splits[split])]
    (folder / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    manifest = read_manifest(folder)
    config = SimpleNamespace(data=SimpleNamespace(val=val, train=train))
    return SimpleNamespace(config=config, manifest=manifest, samples=manifest.select)


@pytest.mark.parametrize(
    ("val", "train", "expected"),
    [
        (None, ("train",), ["val0", "val2", "val4"]),
        (("test",), ("train",), ["test0"]),
        ((), ("train",), None),
        (None, ("val",), None),
    ],
)
def test_which_items_are_held_out(tmp_path, val, train, expected):
    items = held_out_items(_data(tmp_path, val, train, {"train": 9, "val": 5, "test": 1}), 3)
    assert (None if items is None else list(items.ids())) == expected


def test_without_a_split_of_that_name_nothing_is_held_out(tmp_path):
    assert held_out_items(_data(tmp_path, None, ("train",), {"train": 3}), 3) is None


def test_a_label_that_no_held_out_item_has_is_refused(tmp_path):
    rows = [{"id": str(n), "split": "val", "text": "x", "labels": {"kind": "ab"[n % 2]}} for n in range(4)]
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    expected = r"validation\.label: fewer than two of 4 held-out items have 'kin'; labels that some share: kind"
    with pytest.raises(ConfigError, match=expected):
        HeldOut(None, None, read_manifest(tmp_path), "kin")
    assert HeldOut(None, None, read_manifest(tmp_path), "kind").label == "kind"
