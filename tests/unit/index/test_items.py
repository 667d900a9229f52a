"""Items of a run on their way into an index: in as few changes as memory allows."""

import json

import numpy as np
import pytest

from m5kit.assembly.data import EVAL_BATCH
from m5kit.index import items
from m5kit.index.index import Index
from m5kit.index.store import Store


@pytest.fixture
def built(tmp_path, run_folder, monkeypatch):
    """An index of some items of a run, and a folder of others, which are read in three pieces."""
    pytest.importorskip("lancedb")
    monkeypatch.setattr(items, "PIECE", EVAL_BATCH)
    index = Index.build(tmp_path / "a.index", run_folder, splits=["train"])
    lines = [json.dumps({"id": f"new{n}", "split": "train", "text": f"mug number {n}"}) for n in range(3 * EVAL_BATCH)]
    more = tmp_path / "more"
    more.mkdir()
    (more / "annotations.jsonl").write_text("\n".join(lines))
    return index, more


def new_ids(index):
    return index.store.scan("id like 'new%'", None, index.about.columns, ["id"])["id"].to_pylist()


@pytest.fixture
def replaced(monkeypatch):
    """How many items each change of an index had, in order; the second one is as if killed."""
    seen, real = [], Store.replace

    def replace(store, rows):
        seen.append(len(rows))
        if len(seen) == 2:
            raise KeyboardInterrupt
        real(store, rows)

    monkeypatch.setattr(Store, "replace", replace)
    return seen


def test_an_update_is_one_change(built, replaced):
    index, more = built
    index.update(data=more)
    assert replaced == [3 * EVAL_BATCH]
    assert len(new_ids(index)) == 3 * EVAL_BATCH


def test_an_update_that_was_stopped_between_two_changes_is_mended_by_another(built, replaced, monkeypatch):
    index, more = built
    monkeypatch.setattr(items, "LARGEST", 1)
    with pytest.raises(KeyboardInterrupt):
        index.update(data=more)
    again = Index.open(index.store.place)
    assert len(new_ids(again)) == EVAL_BATCH  # whole pieces: what docs/reliability.md says
    again.update(data=more)
    assert replaced == [EVAL_BATCH] * 5
    assert len(new_ids(again)) == len({*new_ids(again)}) == 3 * EVAL_BATCH


def test_pieces_are_put_together_until_a_change_is_large(monkeypatch):
    monkeypatch.setattr(items, "LARGEST", 3 * 8)
    pieces = [([f"a{n}", f"b{n}"], np.full((2, 1), n, np.float32)) for n in range(4)]
    found = list(items.gathered(iter(pieces)))
    assert [rows for rows, _ in found] == [["a0", "b0", "a1", "b1", "a2", "b2"], ["a3", "b3"]]
    assert [vectors.tolist() for _, vectors in found] == [[[0], [0], [1], [1], [2], [2]], [[3], [3]]]
    assert list(items.gathered([])) == []
