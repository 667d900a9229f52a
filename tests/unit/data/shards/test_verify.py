"""Damage is found and named."""

import json

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
        ("failures.jsonl", "failures.jsonl lists 0 failures, and shards.json counts 1"),
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


def change_rows(shards, change):
    path = shards / "annotations.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def swap(rows):
    rows[0], rows[9] = rows[9], rows[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[6].update(labels={"kind": "b"}), "it was changed; the tar file holds what was written"),
        (lambda rows: rows[6].update(price=7.5), "it was changed"),
        (lambda rows: rows[6].update(image="6.jpg"), "it was changed"),
        (lambda rows: rows[6].update(id=""), "is missing; give every item a name"),
        (lambda rows: rows[6].update(image=rows[7]["image"]), "it names a member of something else, item%2E7.image."),
        (lambda rows: rows[6].update(image="000001.tar/no.jpg"), "it does not belong there"),
        (swap, "it does not belong there"),
    ],
)
def test_a_row_that_was_changed_is_named(shards, change, message):
    change_rows(shards, change)
    problems = verify(shards).problems
    assert [problem for problem in problems if problem.startswith("annotations.jsonl: 1 row of 00000")]
    assert message in " ".join(problems)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda shard: shard["counts"].update(text=4), "shards.json says that 000000.tar holds"),
        (lambda shard: shard.update(presence="ff" * 4), "says wrongly which items of 000000.tar have which modalities"),
        (lambda shard: shard.update(members=99), "members, and shards.json says 99"),
        (lambda shard: shard.update(failures=0), "failures.jsonl lists 1 failures, and shards.json counts 0"),
    ],
)
def test_a_count_that_was_changed_is_named(shards, change, message):
    path = shards / "shards.json"
    about = json.loads(path.read_text())
    change(about["shards"][0])
    path.write_text(json.dumps(about))
    (problem,) = verify(shards).problems
    assert message in problem


def test_another_shard_of_the_same_size_in_its_place_is_named(shards):
    (shards / "000000.tar").write_bytes((shards / "000000.tar").read_bytes().replace(b"mug 1", b"cup 1"))
    (problem,) = verify(shards).problems
    assert "item%2E1.json in 000000.tar is damaged" in problem
