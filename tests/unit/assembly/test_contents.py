"""A look at the items finds their modalities, splits and labels."""

import json

import pytest

from m5kit.assembly import contents
from m5kit.assembly.contents import read_contents, shared_labels
from m5kit.config import check_config, load_config
from m5kit.errors import DataError
from m5kit.structures import Sample

ROWS = [
    {"id": "a", "split": "train", "text": "cup", "labels": {"kind": "cup", "seller": "1"}},
    {"id": "b", "split": "train", "text": "jug", "video": "b.mp4", "labels": {"kind": "jug"}},
    {"id": "c", "split": "val", "text": "cup", "image": "c.jpg", "labels": {"brand": "x", "name": "c"}},
    {"id": "d", "split": "val", "text": "mug", "labels": {"brand": "x", "name": "d"}},
    {"id": "e", "split": "val", "text": "pot", "labels": {"brand": "y", "name": "e"}},
]


@pytest.fixture
def config(tmp_path):
    (tmp_path / "annotations.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")

    def load(*overrides):
        return check_config(load_config("products/small", overrides, tmp_path))

    return load


def test_what_training_items_lack_is_not_there(config):
    found = read_contents(config())
    assert found.modalities == {"text", "video"}  # the only picture is in val
    assert found.looked_at == 2
    assert found.splits == {"train": 2, "val": 3}


def test_another_column_may_stand_in_for_a_modality(config):
    assert "audio" in read_contents(config("input_audio.source=video")).modalities


def test_labels_are_those_of_items_that_are_not_trained_on(config):
    found = read_contents(config())
    assert found.labels == {"brand", "name"}
    assert found.shared == ("brand",)  # every name has one item
    assert read_contents(config("data.train=[train, val]")).labels == {"brand", "name", "kind", "seller"}


def test_the_most_useful_label_comes_first():
    rows = [{"x": "1", "y": "1"}, {"x": "1", "y": "1"}, {"x": "2", "y": "2"}, {"x": "3", "y": "2"}]
    assert shared_labels([Sample(str(n), {}, labels) for n, labels in enumerate(rows)]) == ["y", "x"]


def test_only_so_many_items_are_looked_at_evenly_spread(config, monkeypatch):
    monkeypatch.setattr(contents, "MOST", 2)
    found = read_contents(config("data.train=[train, val]"))
    assert found.looked_at == 2
    assert found.labels == {"kind", "seller", "brand", "name"}  # of the first item and the last


def test_an_empty_split_is_named(config):
    with pytest.raises(DataError, match=r"no item in split pretrain; it has train \(2\), val \(3\)"):
        read_contents(config("data.train=[pretrain]"))
