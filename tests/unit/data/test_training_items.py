"""Which items a run trains on: subsets lie inside each other, and what an item loses it loses for good."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from m5kit.data.manifest import read_manifest
from m5kit.data.training_items import RemovedModalities, chance, complete, portion
from m5kit.errors import DataError
from m5kit.structures import Sample

MODALITIES = {"audio": "video", "image": None, "text": None}
ALL = Sample("a", dict.fromkeys(("audio", "image", "text", "video"), "x"))


def rows(count, **given):
    return [{"id": f"item {i}", "split": "train" if i % 2 else "test", "text": "t", **given} for i in range(count)]


def ids(items):
    return [item.id for item in items]


@pytest.fixture
def items(write_manifest):
    return read_manifest(write_manifest(*rows(400))).select("train")


def test_a_share_has_its_size_and_keeps_the_order(items):
    kept = ids(portion(items, 0.25, seed=0))
    assert len(kept) == 50
    assert kept == [key for key in ids(items) if key in set(kept)]


def test_a_smaller_share_lies_inside_a_larger_one(items):
    shares = [set(ids(portion(items, share, seed=3))) for share in (0.01, 0.1, 0.5, 0.9, 1.0)]
    assert [len(share) for share in shares] == [2, 20, 100, 180, 200]
    assert all(small < large for small, large in itertools.pairwise(shares))


def test_the_seed_decides_which(items):
    shares = [set(ids(portion(items, 0.5, seed))) for seed in (0, 1)]
    assert 30 < len(shares[0] & shares[1]) < 70


def test_other_splits_and_the_order_of_the_file_do_not_matter(write_manifest, items):
    kept = set(ids(portion(items, 0.3, seed=0)))
    turned = [row for row in reversed(rows(400)) if row["split"] == "train"]
    assert set(ids(portion(read_manifest(write_manifest(*turned)), 0.3, seed=0))) == kept


def test_columns_give_the_same_items_as_lines(tmp_path, items):
    table = pa.Table.from_pylist(rows(400))
    with pa.OSFile(str(tmp_path / "annotations.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=64)
    columns = read_manifest(tmp_path, "annotations.arrow").select("train")
    assert ids(portion(columns, 0.3, seed=0)) == ids(portion(items, 0.3, seed=0))


def test_a_chance_is_pinned_and_the_same_in_every_process():
    """Another would silently change which items every sweep over shares trains on."""
    assert chance(0, "share", "a1") == pytest.approx(0.2963120, abs=1e-7)
    code = "from m5kit.data.training_items import chance; print(chance(7, 'missing', 'text', '杯'))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(said) == chance(7, "missing", "text", "杯")


def test_chances_are_uniform():
    drawn = np.array([chance(0, "share", str(i)) for i in range(4000)])
    assert np.histogram(drawn, bins=8, range=(0, 1))[0] == pytest.approx(500, abs=80)


def test_complete_items_have_every_modality_or_what_stands_in_for_it(write_manifest):
    root = write_manifest(
        {"id": "whole", "text": "t", "image": "i", "audio": "a"},
        {"id": "film", "text": "t", "image": "i", "video": "v"},
        {"id": "mute", "text": "t", "image": "i"},
        {"id": "blind", "text": "t", "audio": "a"},
    )
    assert ids(complete(read_manifest(root), MODALITIES)) == ["whole", "film"]


def test_no_complete_item_is_told(items):
    with pytest.raises(DataError, match=r"data.complete_only: none of the 200 training items .* all of image, text"):
        complete(items, {"image": None, "text": None})


def test_modalities_go_missing_at_the_rate_and_independently():
    lose = RemovedModalities(0.4, 0, dict.fromkeys("abcde"))
    lost = [lose(Sample(str(i), dict.fromkeys("abcde", "x"))).lost for i in range(4000)]
    rates = {m: np.mean([m in gone for gone in lost]) for m in "abcde"}
    assert all(rate == pytest.approx(0.4, abs=0.03) for rate in rates.values())
    both = np.mean([{"a", "b"} <= gone for gone in lost])
    assert both == pytest.approx(0.16, abs=0.025)


def test_an_item_keeps_at_least_one_and_what_is_lost_at_a_rate_is_lost_at_a_higher_one():
    samples = [Sample(str(i), dict.fromkeys("abc", "x")) for i in range(200)]
    rates = [
        [RemovedModalities(rate, 1, dict.fromkeys("abc"))(sample).lost for sample in samples]
        for rate in (0.2, 0.6, 1.0)
    ]
    assert all(
        small <= large for less, more in itertools.pairwise(rates) for small, large in zip(less, more, strict=True)
    )
    assert {len(lost) for lost in rates[-1]} == {2}
    assert rates[0] != [RemovedModalities(0.2, 2, dict.fromkeys("abc"))(sample).lost for sample in samples]


def test_what_stands_in_for_a_modality_counts_as_having_it():
    film = Sample("film", {"video": "v"})
    kept = {RemovedModalities(1.0, seed, {"audio": "video", "video": None})(film).lost for seed in range(8)}
    assert kept == {frozenset({"audio"}), frozenset({"video"})}


def test_losses_apply_when_a_sample_is_read_also_in_a_worker(items):
    lossy = items.altered(RemovedModalities(0.5, 0, {"image": None, "text": None}))
    assert ids(lossy) == ids(items)
    assert {item.lost for item in lossy} == {frozenset()}  # each has a text only, and keeps it
    assert pickle.loads(pickle.dumps(lossy)).alter == lossy.alter


def test_what_is_lost_makes_an_item_incomplete(write_manifest):
    root = write_manifest(*rows(200, image="i"))
    lossy = read_manifest(root).altered(RemovedModalities(0.5, 0, {"image": None, "text": None}))
    kept = complete(lossy, {"image": None, "text": None})
    assert 20 < len(kept) < 80
    assert all(set(item.sources) == {"image", "text"} for item in kept)
