"""Writing shards: the same bytes in every way, nothing lost, and no write into what is not ours."""

import json
import shutil
import tarfile
import tempfile

import fsspec
import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import SoundDecoder
from m5kit.data.files import UNBOUNDED, find_file
from m5kit.data.manifest import read_manifest
from m5kit.data.remote.place import local_folder
from m5kit.data.shard_set import ABOUT, read_shard_set
from m5kit.data.shards import engines as module
from m5kit.data.shards.engines import Pool
from m5kit.data.shards.output import PARTS, LocalOutput, RemoteOutput
from m5kit.data.shards.prepare import prepare
from m5kit.data.sources.manifest import ManifestItems
from m5kit.data.sources.webdataset import WebDatasetItems
from m5kit.errors import ConfigError, DataError

MODALITIES = ("audio", "image", "table", "text", "video")


def write(shop, out, **options):
    return prepare(ManifestItems(root=shop), out, MODALITIES, items=4, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def shards(shop, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "shop.shards"
    write(shop, out)
    return out


def test_items_keep_their_order_and_all_they_say(shop, shards):
    before, after = read_manifest(shop), read_manifest(shards)
    assert [item.id for item in before] == [item.id for item in after]
    for old, new in zip(before, after, strict=True):
        assert (old.labels, old.split, old.extra) == (new.labels, new.split, new.extra)
        assert old.sources.get("text") == new.sources.get("text")
        assert old.sources.get("table") == new.sources.get("table")


def test_media_are_the_same_bytes(shop, shards):
    compared = 0
    for old, new in zip(read_manifest(shop), read_manifest(shards), strict=True):
        for modality in ("image", "audio", "video"):
            if modality in new.sources and "#" not in old.sources[modality]:
                content = find_file(new.sources[modality], shards, UNBOUNDED).read_bytes()
                assert content == (shop / old.sources[modality]).read_bytes()
                compared += 1
    assert compared == 11


def test_a_file_that_is_missing_is_a_recorded_failure(shards):
    failures = [json.loads(line) for line in (shards / "failures.jsonl").read_text().splitlines()]
    assert [(row["id"], row["modality"]) for row in failures] == [("item.2", "image")]
    assert "there is no such file" in failures[0]["reason"]


def test_features_of_many_items_become_a_file_of_one(shards):
    item = read_manifest(shards)[5]
    with np.load(find_file(item.sources["image"], shards, UNBOUNDED)) as found:
        assert (found["features"] == np.ones((3, 2))).all()


def test_the_description_counts_what_is_there(shards):
    found = read_shard_set(shards)
    assert [shard.items for shard in found.shards] == [4, 4, 2]
    assert found.shards[0].counts == {"audio": 1, "image": 3, "table": 0, "text": 4, "video": 1}
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(found.shards[0].presence), np.uint8), count=20).reshape(4, 5)
    assert bits.sum(0).tolist() == [1, 3, 0, 4, 1]
    assert found.shards[0].failures == 1


def test_the_tar_files_are_plain_ustar_with_the_names_that_webdataset_reads(shards):
    with tarfile.open(shards / "000000.tar") as tar:
        names = tar.getnames()
        assert {member.mtime for member in tar} == {0}
        assert (shards / "000000.tar").read_bytes()[257:263] == b"ustar\0"
    assert names[:4] == ["item%2E0.image.jpg", "item%2E0.json", "item%2E1.image.jpg", "item%2E1.video.mp4"]
    with tarfile.open(shards / "000000.tar") as tar:
        values = json.loads(tar.extractfile("item%2E0.json").read())
    assert values == {"id": "item.0", "split": "train", "text": "mug 0", "labels": {"kind": "a"}, "price": 0}


def test_the_order_of_classes_comes_along(shop, shards):
    assert (shards / "classes.json").read_bytes() == (shop / "classes.json").read_bytes()


def test_several_processes_write_the_same_bytes(shop, shards, tmp_path):
    write(shop, tmp_path / "out", engine=Pool(2))
    assert contents(tmp_path / "out") == contents(shards)


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(shop, shards, tmp_path, monkeypatch, stop):
    out, real = tmp_path / "out", module.write_shard

    def stopping(job, number, samples):
        if number == stop:
            (job.output.folder / "000009.tar.77.part").write_bytes(b"half")
            raise KeyboardInterrupt
        return real(job, number, samples)

    monkeypatch.setattr(module, "write_shard", stopping)
    with pytest.raises(KeyboardInterrupt):
        write(shop, out)
    assert not (out / "annotations.jsonl").exists()
    written = []
    monkeypatch.setattr(module, "write_shard", lambda *given: written.append(given[1]) or real(*given))
    write(shop, out)
    assert written == list(range(stop, 3))
    assert contents(out) == contents(shards)


@pytest.mark.parametrize(("name", "text"), [("000000.json", b"{}"), ("000000.json", b"\xff"), ("plan.json", b"")])
def test_a_damaged_note_of_a_stopped_run_is_named(shop, tmp_path, monkeypatch, name, text):
    out, real = tmp_path / "out", module.write_shard

    def stopping(job, number, samples):
        if number:
            raise KeyboardInterrupt
        return real(job, number, samples)

    monkeypatch.setattr(module, "write_shard", stopping)
    with pytest.raises(KeyboardInterrupt):
        write(shop, out)
    (out / PARTS / name).write_bytes(text)
    with pytest.raises(DataError, match=rf"{name} is damaged .*remove it"):
        write(shop, out)


def test_what_is_finished_is_not_written_again(shop, shards, monkeypatch):
    monkeypatch.setattr(module, "write_shard", None)
    assert write(shop, shards) == read_shard_set(shards)


def test_other_options_do_not_overwrite_shards(shop, shards):
    before = contents(shards)
    with pytest.raises(DataError, match="holds shards of other items or with other options"):
        prepare(ManifestItems(root=shop), shards, MODALITIES, items=5)
    assert contents(shards) == before


def test_a_folder_of_something_else_is_left_alone(shop, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="is not empty and holds no shards"):
        write(shop, tmp_path)
    assert contents(tmp_path) == {"mine.txt": b"mine"}


def test_two_processes_do_not_write_to_one_folder(shop, tmp_path):
    out = tmp_path / "out"
    with LocalOutput(out).alone(), pytest.raises(DataError, match="another process is writing shards"):
        write(shop, out)


def test_a_run_that_was_killed_at_its_very_end_leaves_nothing_behind(shop, shards, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(shards, out)
    (out / PARTS).mkdir()
    (out / PARTS / "plan.json").write_text(json.dumps(read_shard_set(out).plan))
    write(shop, out)
    assert contents(out) == contents(shards)


def test_progress_is_told_after_each_shard(shop, tmp_path):
    told = []
    write(shop, tmp_path / "out", report=told.append)
    assert [(each.done, each.shards, each.items, each.failures) for each in told] == [
        (1, 3, 4, 1), (2, 3, 8, 1), (3, 3, 10, 1),
    ]  # fmt: skip
    assert told[-1].left == 0


def test_wrong_settings_are_told_before_anything_is_written(shop, tmp_path):
    with pytest.raises(ConfigError, match="'gif' is no kind of file; there are jpeg, frames, pixels, log_mel, flac"):
        write(shop, tmp_path / "out", prepared={"image": {"type": "gif"}})
    assert not (tmp_path / "out" / ABOUT).exists()


def test_decoding_leaves_no_copy_behind(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    item = read_manifest(shards)[1]
    PillowDecoder()(item.sources["image"], shards)
    PyAVDecoder()(item.sources["video"], shards)
    SoundDecoder()(item.sources["video"], shards)
    assert list(tmp_path.iterdir()) == []


def test_several_files_become_numbered_members_that_other_readers_open(tmp_path):
    root = tmp_path / "views"
    root.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number * 80,) * 3).save(root / f"{number}.png")
    row = {"id": "a.1", "image": ["0.png", "gone.png", "2.png"], "text": ["mug", "cup"]}
    (root / "annotations.jsonl").write_text(json.dumps(row))
    prepare(ManifestItems(root=root), tmp_path / "out", ("image", "text"))
    (item,) = read_manifest(tmp_path / "out")
    assert item.sources == {
        "image": ["000000.tar/a%2E1.image.0.png", "000000.tar/a%2E1.image.2.png"],
        "text": ["mug", "cup"],
    }
    failure = json.loads((tmp_path / "out" / "failures.jsonl").read_text())
    assert (failure["id"], failure["modality"], failure["value"], failure["lost"]) == ("a.1", "image", 1, False)
    assert find_file(item.sources["image"][1], tmp_path / "out", 10**6).read_bytes() == (root / "2.png").read_bytes()
    (tmp_path / "plain").mkdir()
    shutil.copy(tmp_path / "out" / "000000.tar", tmp_path / "plain")
    assert WebDatasetItems(root=tmp_path / "plain")[0].sources == {**item.sources, "text": ["mug", "cup"]}


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An object store in memory."""
    monkeypatch.setenv("M5KIT_REMOTE", str(tmp_path / "copies"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


def uploaded(store, folder):
    return {path.removeprefix(f"{folder}/"): store.cat(path) for path in store.find(folder)}


def test_shards_behind_a_url_are_the_same_bytes(shop, shards, store):
    write(shop, "memory://out")
    assert uploaded(store, "/out") == contents(shards)
    assert write(shop, "memory://out") == read_shard_set(shards)


def test_items_behind_a_url_make_the_same_shards(shop, shards, store, tmp_path):
    store.put(str(shop), "/shop", recursive=True)
    dataset = ManifestItems(root=local_folder("memory://shop"))
    prepare(dataset, tmp_path / "out", MODALITIES, items=4, source="memory://shop")
    assert contents(tmp_path / "out") == contents(shards)


def test_uploads_that_were_stopped_go_on_from_any_machine(shop, shards, store, monkeypatch):
    take = RemoteOutput.take

    def stopping(self, name, workplace):
        if name == "000001.index.npy":
            raise KeyboardInterrupt
        take(self, name, workplace)

    monkeypatch.setattr(RemoteOutput, "take", stopping)
    with pytest.raises(KeyboardInterrupt):
        write(shop, "memory://out")
    assert "annotations.jsonl" not in uploaded(store, "/out")
    monkeypatch.setattr(RemoteOutput, "take", take)
    written, real = [], module.write_shard
    monkeypatch.setattr(module, "write_shard", lambda *given: written.append(given[1]) or real(*given))
    write(shop, "memory://out")
    assert written == [1, 2]
    assert uploaded(store, "/out") == contents(shards)


def test_something_else_behind_a_url_is_left_alone(shop, store):
    store.pipe("/out/mine.txt", b"mine")
    with pytest.raises(DataError, match="memory://out is not empty and holds no shards"):
        write(shop, "memory://out")
    assert uploaded(store, "/out") == {"mine.txt": b"mine"}


def test_numbers_that_json_has_no_form_for_are_null_and_recorded(tmp_path):
    (tmp_path / "annotations.jsonl").write_text(
        '{"id": "a", "text": "x", "table": {"n": NaN, "m": 1}, "more": Infinity}\n'
    )
    out = tmp_path / "out"
    prepare(ManifestItems(root=tmp_path), out, MODALITIES)
    (line,) = (out / "annotations.jsonl").read_text().splitlines()
    found = json.loads(line, parse_constant=pytest.fail)
    assert (found["table"], found["more"]) == ({"n": None, "m": 1}, None)
    assert "(NaN, infinity) became null" in (out / "failures.jsonl").read_text()
