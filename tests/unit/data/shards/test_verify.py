"""Damage is found and named."""

import numpy as np
import pytest

from m5kit.data.shards.prepare import prepare
from m5kit.data.shards.verify import verify
from m5kit.data.sources.manifest import ManifestItems
from m5kit.errors import DataError


@pytest.fixture
def shards(shop, tmp_path):
    out = tmp_path / "shop.shards"
    prepare(ManifestItems(root=shop), out, ("audio", "image", "table", "text", "video"), items=5)
    return out


def test_whole_shards_have_no_problem(shards):
    assert verify(shards).problems == ()


def test_a_flipped_byte_of_a_member_names_it(shards):
    index = np.load(shards / "000000.index.npy")
    largest = index[index["size"].argmax()]
    with (shards / "000000.tar").open("r+b") as file:
        file.seek(int(largest["offset"]) + 10)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    problems = verify(shards).problems
    assert len(problems) == 1
    assert problems[0].startswith("item%2E")
    assert problems[0].endswith("in 000000.tar is damaged: its checksum is another")


def test_damage_outside_of_members_is_told_as_such(shards):
    with (shards / "000001.tar").open("ab") as file:
        file.write(b"more")
    assert verify(shards).problems == ("000001.tar is damaged between its members; every member is whole",)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("000001.tar", "000001.tar is missing, with 5 items"),
        ("000000.index.npy", "000000.index.npy is missing or damaged; the items of 000000.tar cannot be found"),
        ("annotations.jsonl", "annotations.jsonl lists 0 items, and the shards hold 10"),
    ],
)
def test_a_missing_file_is_named(shards, lost, message):
    (shards / lost).unlink()
    assert verify(shards).problems == (message,)


def test_a_shard_that_is_cut_short_names_what_is_lost(shards):
    with (shards / "000000.tar").open("r+b") as file:
        file.truncate(3000)
    problems = verify(shards).problems
    assert len(problems) > 1
    assert all("cut short" in problem or "damaged" in problem for problem in problems)


def test_a_folder_without_shards_is_refused(shop):
    with pytest.raises(DataError, match=r"holds no shards\.json"):
        verify(shop)
