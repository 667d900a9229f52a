import json
import multiprocessing
import os

import pytest

from m5kit.data.files import find_file, require_file
from m5kit.data.manifest import read_manifest
from m5kit.data.remote.copies import fetch_anew, mirror_of, shown
from m5kit.data.remote.folder import RemoteFolder
from m5kit.data.remote.mirror import open_mirror
from m5kit.data.remote.trying import RemoteError
from m5kit.data.shards.prepare import prepare
from m5kit.data.shards.verify import verify
from m5kit.data.sources.manifest import ManifestItems
from m5kit.data.sources.webdataset import WebDatasetItems, default_source
from m5kit.errors import DecodeError


def pictures(root):
    return sorted(path.name for path in root.rglob("*.jpg"))


def test_the_manifest_comes_at_once_and_media_when_they_are_asked_for(shop):
    root = open_mirror(shop)
    items = read_manifest(root)
    assert [item.id for item in items] == ["0", "1", "2"]
    assert pictures(root) == []
    assert find_file(items[1].sources["image"], root, 2**20).read_bytes() == b"\1" * 1000
    assert pictures(root) == ["1.jpg"]
    with pytest.raises(DecodeError, match="there is no such file"):
        find_file("pictures/9.jpg", root, 2**20)
    with pytest.raises(DecodeError, match="leaves the data's root"):
        find_file("../other/1.jpg", root, 2**20)


def test_a_file_that_is_only_required_is_not_fetched(shop):
    root = open_mirror(shop)
    require_file("pictures/1.jpg", root)
    assert pictures(root) == []
    with pytest.raises(DecodeError, match="there is no such file"):
        require_file("pictures/9.jpg", root)


def test_a_file_is_fetched_once(shop, monkeypatch):
    root = open_mirror(shop)
    find_file("pictures/1.jpg", root, 2**20)
    monkeypatch.setattr(RemoteFolder, "find", None)
    find_file("pictures/1.jpg", root, 2**20)


def test_a_changed_manifest_makes_everything_new(shop, store):
    root = open_mirror(shop)
    find_file("pictures/1.jpg", root, 2**20)
    store.pipe("/shop/annotations.jsonl", json.dumps({"id": "new", "image": "pictures/0.jpg"}).encode())
    assert open_mirror(shop) == root
    assert pictures(root) == []
    assert [item.id for item in read_manifest(root)] == ["new"]


def test_messages_name_the_url(shop):
    root = open_mirror(shop)
    assert shown(root) == shop
    assert shown(root / "annotations.jsonl") == f"{shop}/annotations.jsonl"
    assert shown(root.parent.parent) == str(root.parent.parent)
    assert mirror_of(str(root / "pictures" / "1.jpg")).remote.url == shop
    assert mirror_of("/elsewhere/1.jpg") is None


def test_a_manifest_may_be_named_by_its_url(shop, store):
    store.copy("/shop/annotations.jsonl", "/shop/mine.jsonl")
    path = open_mirror(f"{shop}/mine.jsonl")
    assert len(read_manifest(path)) == 3
    assert len(read_manifest(open_mirror(shop), "mine.jsonl")) == 3


def test_what_arrives_in_part_is_fetched_again_and_then_an_error(shop, monkeypatch):
    root, fetch, shorter = open_mirror(shop), RemoteFolder.fetch, [1]

    def short(self, name, to, most):
        fetch(self, name, to, most)
        if shorter:
            os.truncate(to, shorter.pop())

    monkeypatch.setattr(RemoteFolder, "fetch", short)
    assert find_file("pictures/1.jpg", root, 2**20).stat().st_size == 1000
    shorter += [1, 1]
    with pytest.raises(RemoteError, match="has 1,000 bytes, and 1 arrived, twice"):
        find_file("pictures/2.jpg", root, 2**20)
    assert list(root.rglob("*.part")) == []


@pytest.fixture
def shards(store, tmp_path):
    """Shards of five items in pairs, behind the URL that is returned."""
    source = tmp_path / "source"
    source.mkdir()
    lines = []
    for number in range(5):
        (source / f"{number}.jpg").write_bytes(bytes([number]) * 1000)
        lines.append(json.dumps({"id": str(number), "split": "train", "image": f"{number}.jpg"}))
    (source / "annotations.jsonl").write_text("\n".join(lines))
    prepare(ManifestItems(root=source), tmp_path / "shards", ("image",), items=2)
    store.put(str(tmp_path / "shards"), "/shards", recursive=True)
    return "memory://shards"


def test_a_shard_comes_as_a_whole(shards):
    root = open_mirror(shards)
    items = read_manifest(root)
    assert items.blocks() == [2, 2, 1]
    for number in (4, 0, 2):
        assert find_file(items[number].sources["image"], root, 2**20).read_bytes() == bytes([number]) * 1000
    assert sorted(path.name for path in root.glob("*.tar")) == ["000000.tar", "000001.tar", "000002.tar"]


def test_to_require_a_member_fetches_the_index_alone(shards):
    root = open_mirror(shards)
    require_file("000001.tar/2.image.jpg", root)
    with pytest.raises(DecodeError, match="holds no"):
        require_file("000001.tar/9.image.jpg", root)
    assert [path.name for path in root.glob("0*")] == ["000001.index.npy"]


def test_a_damaged_shard_fails_its_damaged_items_alone(shards, store, caplog):
    content = bytearray(store.cat("/shards/000001.tar"))
    content[content.index(b"\3" * 1000)] ^= 1
    store.pipe("/shards/000001.tar", bytes(content))
    root = open_mirror(shards)
    assert find_file("000001.tar/2.image.jpg", root, 2**20).read_bytes() == b"\2" * 1000
    with pytest.raises(DecodeError, match="damaged: its checksum"):
        find_file("000001.tar/3.image.jpg", root, 2**20)
    assert "memory://shards/000001.tar is damaged" in caplog.text
    (problem,) = verify(root).problems
    assert "3.image.jpg in 000001.tar is damaged" in problem


def test_verify_looks_at_the_source_and_not_at_the_copy(shards, store):
    root = open_mirror(shards)
    assert verify(root).problems == ()
    store.rm("/shards/000002.tar")
    (problem,) = verify(root).problems
    assert problem.startswith("000002.tar is missing")
    fetch_anew(str(root / "000001.tar"))


def test_plain_tar_files_are_read_to_their_end_once(shards, store, monkeypatch):
    for name in ("annotations.jsonl", "shards.json"):
        store.rm(f"/shards/{name}")
    root = open_mirror(shards)
    assert default_source(root) == {"type": "webdataset"}
    items = WebDatasetItems(root=root)
    assert [len(items), *items.blocks()] == [5, 2, 2, 1]
    for tar in root.glob("*.tar"):
        tar.unlink()
    assert WebDatasetItems(root=root).ids() == items.ids()
    assert list(root.glob("*.tar")) == []


def fetched_by(path, answers):
    answers.put(find_file("pictures/1.jpg", path, 2**20).read_bytes())


def test_processes_that_are_forked_fetch_too(shop):
    root, context = open_mirror(shop), multiprocessing.get_context("fork")
    answers = context.Queue()
    workers = [context.Process(target=fetched_by, args=(root, answers)) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [answers.get(timeout=30) for _ in workers] == [b"\1" * 1000] * 3
    for worker in workers:
        worker.join()
