import pickle

import pytest

from m5kit.data.manifest import label_classes, read_manifest
from m5kit.errors import DataError

ROWS = (
    {"id": "a", "split": "train", "image": "a.jpg", "text": None, "labels": {"fine": "pear"}, "axis": 3},
    {"id": "b", "split": "test", "text": "杯子", "table": {"size": 2, "note": None}, "labels": {"fine": None}},
    {"id": "c", "split": "train", "scan": [1, 2], "text": "c", "labels": {"fine": "fig"}},
)


def test_a_missing_modality_is_a_missing_key_and_other_keys_are_extra(write_manifest):
    first, second, third = read_manifest(write_manifest(*ROWS))
    assert dict(first.sources) == {"image": "a.jpg"}
    assert dict(first.extra) == {"axis": 3}
    assert dict(second.sources) == {"text": "杯子", "table": {"size": 2}}
    assert second.labels == {}
    assert dict(third.extra) == {"scan": [1, 2]}


def test_a_sixth_modality_is_read_when_asked_for(write_manifest):
    manifest = read_manifest(write_manifest(*ROWS), modalities=("scan", "text", "image"))
    assert dict(manifest[2].sources) == {"scan": [1, 2], "text": "c"}
    assert dict(manifest[1].extra) == {"table": {"size": 2, "note": None}}


def test_splits_are_selected_in_file_order_and_survive_pickling(write_manifest):
    manifest = read_manifest(write_manifest(*ROWS))
    assert manifest.split_sizes() == {"test": 1, "train": 2}
    train = pickle.loads(pickle.dumps(manifest.select("train")))
    assert [sample.id for sample in train] == ["a", "c"]
    with pytest.raises(DataError, match=r"has no item in split val; it has test \(1\), train \(2\)"):
        manifest.select("train", "val")


def test_class_numbers_are_sorted_and_leave_out_what_training_never_saw(write_manifest):
    manifest = read_manifest(write_manifest(*ROWS))
    assert label_classes(manifest, "fine") == {"fig": 0, "pear": 1}
    with pytest.raises(DataError, match="no item has the label 'coarse'; the labels are fine"):
        label_classes(manifest, "coarse")


def test_all_mistakes_come_at_once_with_their_lines(write_manifest):
    root = write_manifest('{"id": "a", "text": "t"}', '{"id": "a", "text": 5}', "{oops", "")
    with pytest.raises(DataError) as raised:
        read_manifest(root)
    assert str(raised.value).splitlines() == [
        f"{root / 'annotations.jsonl'} has 3 problems:",
        "  line 2: text: expected a text, got 5 (int)",
        "  line 2: id: 'a' already names line 1; every item needs its own",
        "  line 3: row: is no JSON (expecting property name enclosed in double quotes in column 2); write one JSON "
        "object a line, without comments",
    ]


def test_a_long_list_is_cut(write_manifest):
    root = write_manifest(*({"id": str(i), "text": i} for i in range(25)))
    with pytest.raises(DataError, match=r"has 25 problems:(?s:.*)line 20:.*\n  and 5 more; m5kit data validate"):
        read_manifest(root)
