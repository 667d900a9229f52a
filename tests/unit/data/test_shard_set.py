"""Names and descriptions of shards."""

import json

import pytest

from m5kit.data.shard_set import (
    ABOUT,
    LONGEST_STEM,
    Shard,
    ShardSet,
    as_text,
    member_stem,
    member_suffix,
    read_shard_set,
)
from m5kit.errors import DataError


@pytest.mark.parametrize("item", ["a/b", "a.b", "a b", "杯子", "../a", "x" * 500, "."])
def test_the_key_of_an_item_has_no_dot_no_slash_and_fits_a_header(item):
    stem = member_stem(item)
    assert stem.isascii()
    assert not set("./ ") & set(stem)
    assert len(stem) <= LONGEST_STEM


def test_items_have_keys_of_their_own():
    items = ["a.b", "a%2Eb", "a/b", "x" * 99, "x" * 98 + "y"]
    assert len({member_stem(item) for item in items}) == len(items)


@pytest.mark.parametrize(("path", "suffix"), [("a.TAR.GZ", "gz"), ("a", "bin"), ("a.é", "bin"), ("a.b/c", "bin")])
def test_a_suffix_is_plain(path, suffix):
    assert member_suffix(path) == suffix


def test_the_description_comes_back(tmp_path):
    shard = Shard("000000.tar", 2, 3, 10240, "ab", "cd", {"text": 2}, "c0", 1)
    found = ShardSet({"prepared": {}}, (shard,))
    (tmp_path / ABOUT).write_text(as_text(found))
    assert read_shard_set(tmp_path) == found
    assert found.items == 2


def test_a_folder_of_something_else_has_none(tmp_path):
    assert read_shard_set(tmp_path) is None


def test_no_file_elsewhere_is_named(tmp_path):
    (tmp_path / ABOUT).write_text(
        as_text(ShardSet({"prepared": {}}, (Shard("../a.tar", 2, 3, 10240, "ab", "cd", {}, "c0", 1),)))
    )
    with pytest.raises(DataError, match="names other files than its shards"):
        read_shard_set(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 1}', '{"version": 1, "plan": {}, "shards": []}', '{"version": 1, "plan": [[', "9"]
)
def test_a_damaged_description_is_one_clear_error(tmp_path, text):
    (tmp_path / ABOUT).write_text(text)
    with pytest.raises(DataError, match=r"shards\.json is damaged"):
        read_shard_set(tmp_path)


def test_a_later_version_is_refused(tmp_path):
    (tmp_path / ABOUT).write_text(json.dumps({"version": 2}))
    with pytest.raises(DataError, match="has version 2, and this m5kit reads version 1"):
        read_shard_set(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"items": "2"}, {"items": -1}, {"bytes": 1.5}, {"counts": {"text": "x"}}, {"counts": 3}],
)
def test_a_count_that_is_none_is_damage(tmp_path, change):
    shard = {"name": "000000.tar", "items": 2, "members": 3, "bytes": 10240, "sha256": "ab", "index_sha256": "cd"}
    shard |= {"counts": {}, "presence": "c0", "failures": 1, **change}
    (tmp_path / ABOUT).write_text(json.dumps({"version": 1, "plan": {"prepared": {}}, "shards": [shard]}))
    with pytest.raises(DataError, match=r"shards\.json is damaged"):
        read_shard_set(tmp_path)
