"""Kept outputs: found again, never stale, never over the limit."""

import multiprocessing
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from m5kit.data.cache import store as module
from m5kit.data.cache.store import CacheError, CacheStore

ONE = np.arange(6, dtype=np.float16).tobytes()


@pytest.fixture
def store(tmp_path):
    made = CacheStore(tmp_path / "folder" / "cache.sqlite", limit=100)
    made.open_space("space")
    return made


def test_an_output_is_found_in_its_space_only(store):
    store.open_space("other")
    assert store.put("space", {"a": ONE})
    assert store.get("space", "a") == ONE
    assert store.get("other", "a") is None
    assert store.get("space", "b") is None
    assert (store.has("space", "a"), store.has("space", "b")) == (True, False)


def test_the_same_output_counts_once(store):
    assert store.put("space", {"a": ONE, "b": ONE})
    assert store.put("space", {"a": ONE})
    assert store.size == 2 * len(ONE)


def test_the_limit_holds_and_what_does_not_fit_is_not_kept_in_part(store):
    big = {str(i): ONE for i in range(9)}
    assert not store.put("space", big)
    assert store.size == 0
    assert store.put("space", {str(i): ONE for i in range(8)})
    assert not store.put("space", {"8": ONE})
    assert store.size == 96


def test_spaces_unused_for_long_make_room_and_others_do_not(store, monkeypatch):
    store.put("space", {str(i): ONE for i in range(8)})
    store.open_space("new")
    assert not store.put("new", {"a": ONE})
    monkeypatch.setattr(module, "SAFE", -1)
    assert store.put("new", {"a": ONE})
    assert store.get("space", "0") is None
    assert store.size == len(ONE)


def _put_many(store, start):
    for i in range(start, start + 20):
        store.put("space", {str(i): ONE})


def test_several_processes_may_write_at_once(tmp_path):
    store = CacheStore(tmp_path / "cache.sqlite", limit=10**6)
    store.open_space("space")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_put_many, args=(store, start)) for start in (0, 10, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert all(store.get("space", str(i)) == ONE for i in range(40))
    assert store.size == 40 * len(ONE)


def _open_many(folder, together):
    for number in range(STARTS):
        together.wait()
        CacheStore(folder / str(number) / "cache.sqlite", limit=10**6).open_space("space")


STARTS = 200


def test_several_processes_may_make_the_file_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    together = context.Barrier(4, timeout=30)
    makers = [context.Process(target=_open_many, args=(tmp_path, together)) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [maker.exitcode for maker in makers] == [0, 0, 0, 0]


def test_the_file_itself_stays_near_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SAFE", -1)
    store = CacheStore(tmp_path / "cache.sqlite", limit=200_000)
    block = bytes(50_000)
    for i in range(12):
        store.open_space(str(i))
        assert store.put(str(i), {str(j): block for j in range(3)})
    sqlite3.connect(store.path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert store.path.stat().st_size < 300_000


def test_the_environment_says_where_and_how_much(monkeypatch, tmp_path):
    monkeypatch.setenv("M5KIT_CACHE", str(tmp_path))
    monkeypatch.setenv("M5KIT_CACHE_GB", "0.5")
    assert CacheStore.from_environment() == CacheStore(tmp_path / "cache.sqlite", 500_000_000)
    monkeypatch.setenv("M5KIT_CACHE", "off")
    assert CacheStore.from_environment() is None


def test_a_damaged_file_is_set_aside_and_replaced(store, caplog):
    store.put("space", {"a": ONE})
    store.close()  # as another process would find it
    store.path.write_bytes(b"damaged" * 1000)
    store.open_space("space")
    assert f"the cache {store.path} is damaged (file is not a database)" in caplog.text
    assert store.path.with_name("cache.sqlite.damaged").read_bytes() == b"damaged" * 1000
    assert store.get("space", "a") is None
    assert store.put("space", {"a": ONE})
    assert store.get("space", "a") == ONE


def test_damage_met_later_is_one_sentence(store):
    store.close()  # as another process would find it
    store.path.write_bytes(b"damaged" * 1000)
    with pytest.raises(CacheError, match=r"the cache .*cache.sqlite is damaged"):
        store.put("space", {"a": ONE})


def test_a_locked_file_is_not_taken_for_a_damaged_one(store, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.05)
    store.close()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CacheError, match=r"cannot be used \(database is locked\)"):
            store.open_space("space")
    assert not store.path.with_name("cache.sqlite.damaged").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"the cache .*/file/cache.sqlite cannot be used"):
        CacheStore(tmp_path / "file" / "cache.sqlite", 100).open_space("space")
