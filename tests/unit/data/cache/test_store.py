"""Kept outputs: found again, never stale, never over the limit."""

import multiprocessing
import sqlite3

import numpy as np
import pytest

from m5kit.data.cache import store as kept
from m5kit.data.cache.store import OutputStore, digest_content, digest_facts

ONE = np.arange(6, dtype=np.float16).reshape(3, 2)


@pytest.fixture
def store(tmp_path):
    made = OutputStore(tmp_path / "folder" / "outputs.sqlite", limit=100)
    made.begin("space")
    return made


def test_an_output_is_found_in_its_space_only(store):
    store.begin("other")
    assert store.put("space", {"a": ONE})
    assert np.array_equal(store.get("space", "a"), ONE)
    assert store.get("other", "a") is None
    assert store.get("space", "b") is None
    assert (store.has("space", "a"), store.has("space", "b")) == (True, False)


def test_the_same_output_counts_once(store):
    assert store.put("space", {"a": ONE, "b": ONE})
    assert store.put("space", {"a": ONE})
    assert store.size == 2 * ONE.nbytes


def test_the_limit_holds_and_what_does_not_fit_is_not_kept_in_part(store):
    big = {str(i): ONE for i in range(9)}
    assert not store.put("space", big)
    assert store.size == 0
    assert store.put("space", {str(i): ONE for i in range(8)})
    assert not store.put("space", {"8": ONE})
    assert store.size == 96


def test_spaces_unused_for_long_make_room_and_others_do_not(store, monkeypatch):
    store.put("space", {str(i): ONE for i in range(8)})
    store.begin("new")
    assert not store.put("new", {"a": ONE})
    monkeypatch.setattr(kept, "SAFE", -1)
    assert store.put("new", {"a": ONE})
    assert store.get("space", "0") is None
    assert store.size == ONE.nbytes


def _put_many(store, start):
    for i in range(start, start + 20):
        store.put("space", {str(i): ONE})


def test_several_processes_may_write_at_once(tmp_path):
    store = OutputStore(tmp_path / "outputs.sqlite", limit=10**6)
    store.begin("space")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_put_many, args=(store, start)) for start in (0, 10, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert all(np.array_equal(store.get("space", str(i)), ONE) for i in range(40))
    assert store.size == 40 * ONE.nbytes


def test_the_file_itself_stays_near_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "SAFE", -1)
    store = OutputStore(tmp_path / "outputs.sqlite", limit=200_000)
    block = np.zeros((50, 500), np.float16)
    for i in range(12):
        store.begin(str(i))
        assert store.put(str(i), {str(j): block for j in range(3)})
    sqlite3.connect(store.path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert store.path.stat().st_size < 300_000


def test_a_changed_file_or_another_reference_has_another_digest(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "b.jpg").write_bytes(b"one")
    before = digest_content("a.jpg", tmp_path)
    assert before == digest_content("a.jpg", tmp_path)
    assert before != digest_content("b.jpg", tmp_path)
    stamp = (tmp_path / "a.jpg").stat()
    (tmp_path / "a.jpg").write_bytes(b"two")
    import os

    os.utime(tmp_path / "a.jpg", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert digest_content("a.jpg", tmp_path) != before
    assert digest_content({"colour": "red"}, tmp_path) != digest_content({"colour": "blue"}, tmp_path)
    assert digest_content("x" * 3000, tmp_path)
    joined = digest_content({"scan": "a.jpg", "text": "a mug"}, tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"six")
    assert digest_content({"scan": "a.jpg", "text": "a mug"}, tmp_path) != joined


def test_one_of_many_items_changes_with_the_file_or_pack_that_holds_it(tmp_path):
    (tmp_path / "many.npz").write_bytes(b"one")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "features.npy").write_bytes(b"one")
    before = [digest_content(source, tmp_path) for source in ("many.npz#a", "many.npz#b", "pack#a", "mug #3")]
    assert len(set(before)) == 4
    (tmp_path / "many.npz").write_bytes(b"other")
    (tmp_path / "pack" / "features.npy").write_bytes(b"other")
    after = [digest_content(source, tmp_path) for source in ("many.npz#a", "many.npz#b", "pack#a", "mug #3")]
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, False, False, True]


def test_facts_have_one_digest_in_one_order():
    assert digest_facts([{"a": 1, "b": 2}, b"x"]) == digest_facts([{"b": 2, "a": 1}, b"x"])
    assert digest_facts(["ab", "c"]) != digest_facts(["a", "bc"])


def test_the_environment_says_where_and_how_much(monkeypatch, tmp_path):
    monkeypatch.setenv("M5KIT_CACHE", str(tmp_path))
    monkeypatch.setenv("M5KIT_CACHE_GB", "0.5")
    assert OutputStore.from_environment() == OutputStore(tmp_path / "outputs.sqlite", 500_000_000)
    monkeypatch.setenv("M5KIT_CACHE", "off")
    assert OutputStore.from_environment() is None
