import hashlib
import json
import pickle

import pyarrow
import pytest
from pyarrow import parquet

from m5kit.data.sources.manifest import ManifestItems
from m5kit.errors import DataError

ROWS = '{"id": "a", "split": "train", "text": "t"}\n\n{"id": "b", "scan": 1, "text": null}\n'


def test_items_splits_and_ids_of_lines(tmp_path):
    (tmp_path / "annotations.jsonl").write_text(ROWS)
    items = ManifestItems(root=tmp_path, columns=("text",))
    assert [sample.sources for sample in items] == [{"text": "t"}, {}]
    assert (items.splits(), items.ids()) == (["train", ""], ["a", "b"])
    assert items[1].extra == {"scan": 1}
    assert (items.root, str(items)) == (tmp_path, str(tmp_path / "annotations.jsonl"))


def test_the_fingerprint_is_that_of_the_file(tmp_path):
    (tmp_path / "mine.jsonl").write_text(ROWS)
    found = ManifestItems(root=tmp_path, manifest="mine.jsonl").fingerprint()
    assert found == {"manifest": "mine.jsonl", "sha256": hashlib.sha256(ROWS.encode()).hexdigest(), "items": 2}


def test_items_of_columns(tmp_path):
    table = {"id": ["a", "b", "c"], "split": ["x", "y", "x"], "text": ["t", None, "u"]}
    parquet.write_table(pyarrow.table(table), tmp_path / "annotations.parquet")
    items = ManifestItems(root=tmp_path)
    assert (items.splits(), items.ids()) == (["x", "y", "x"], ["a", "b", "c"])
    assert items.fingerprint()["items"] == 3


def test_a_worker_gets_the_rows_but_not_what_one_pass_found(tmp_path):
    (tmp_path / "annotations.jsonl").write_text("".join(f'{{"id": "{i}", "split": "s"}}\n' for i in range(2000)))
    items = ManifestItems(root=tmp_path)
    assert len(pickle.dumps(items)) < 40_000
    assert pickle.loads(pickle.dumps(items)).splits() == items.splits()


def test_a_missing_manifest_is_told(tmp_path):
    with pytest.raises(DataError, match=r"no annotations\.jsonl or .* in .*; m5kit data import makes one"):
        ManifestItems(root=tmp_path)


def test_several_values_are_a_list_and_a_list_of_one_is_that_one(tmp_path):
    rows = [{"id": "a", "image": ["1.jpg", "2.jpg"], "text": ["one"]}, {"id": "b", "image": ["3.jpg"], "text": "two"}]
    table = pyarrow.Table.from_pylist(
        [{**row, "text": [row["text"]] if row["id"] == "b" else row["text"]} for row in rows]
    )
    parquet.write_table(table, tmp_path / "annotations.parquet")
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for root in (tmp_path, tmp_path / "lines"):
        found = ManifestItems(root=root)
        assert [item.sources for item in (found[0], found[1])] == [
            {"image": ["1.jpg", "2.jpg"], "text": "one"},
            {"image": "3.jpg", "text": "two"},
        ]
