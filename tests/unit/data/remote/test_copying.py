import json
import os

import pytest

from m5kit.data.files import find_file
from m5kit.data.manifest import read_manifest
from m5kit.data.remote import copies as paths
from m5kit.data.remote import copying
from m5kit.data.remote.ahead import fetch_together
from m5kit.data.remote.mirror import open_mirror
from m5kit.data.remote.room import MARKER
from m5kit.data.remote.trying import RemoteError
from m5kit.errors import DecodeError

MARKED = {"Last_Modified": "Thu, 26 Nov 2026 12:00:00 GMT"}


def offer_shop(server, *images, **headers):
    rows = [{"id": str(number), "image": image} for number, image in enumerate(images)]
    server.offer("annotations.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode(), **headers)


def test_a_copy_that_was_damaged_on_this_machine_is_fetched_anew(shop):
    root = open_mirror(shop)
    path = find_file("pictures/1.jpg", root, 2**20)
    os.truncate(path, 10)
    assert find_file("pictures/1.jpg", root, 2**20).read_bytes() == b"\1" * 1000
    path.write_bytes(bytes(1000))
    assert find_file("pictures/1.jpg", root, 2**20).read_bytes() == b"\1" * 1000
    (root / "annotations.jsonl").write_text("")
    assert len(read_manifest(open_mirror(shop))) == 3


def test_a_damaged_marker_makes_everything_new(shop):
    root = open_mirror(shop)
    find_file("pictures/1.jpg", root, 2**20)
    (root / MARKER).write_text('{"url": 3')
    paths._mirrors.clear()
    assert len(read_manifest(open_mirror(shop))) == 3
    assert list(root.rglob("*.jpg")) == []


def test_a_file_that_calls_itself_a_marker_is_none(hostile, tmp_path):
    """By one of its own, a server could have named any folder of this machine, or a bucket of the user."""
    (tmp_path / "private.jpg").write_bytes(b"private")
    offer_shop(hostile, "sub/.remote.json", "sub/private.jpg", **MARKED)
    hostile.offer("sub/.remote.json", json.dumps({"url": f"file://{tmp_path}", "versions": {}}).encode())
    root = open_mirror(hostile.url)
    find_file("sub/.remote.json", root, 2**20)
    paths._mirrors.clear()  # as in another process
    with pytest.raises(DecodeError, match="there is no such file"):
        find_file("sub/private.jpg", root, 2**20)


@pytest.mark.parametrize("told", [999, 10_000])
def test_a_length_other_than_the_one_told_is_an_error(hostile, told, copies):
    def answer(request):
        if request.begin(told if request.command == "HEAD" else 1000):
            request.wfile.write(bytes(1000))

    offer_shop(hostile, "a.jpg", **MARKED)
    hostile.answers["/a.jpg"] = answer
    root = open_mirror(hostile.url)
    with pytest.raises(RemoteError, match=r"a\.jpg (has 10,000 bytes, and 1,000 arrived|sends more than the 999)"):
        find_file("a.jpg", root, 2**20)
    assert not list(copies.rglob("*.part")) + list(copies.rglob("*.jpg"))


def test_a_file_that_was_replaced_in_between_is_asked_for_again(hostile):
    offer_shop(hostile, "a.jpg", **MARKED)
    lengths = [500, 1000]

    def answer(request):
        if request.begin(lengths.pop(0) if request.command == "HEAD" else 1000):
            request.wfile.write(bytes(1000))

    hostile.answers["/a.jpg"] = answer
    assert find_file("a.jpg", open_mirror(hostile.url), 2**20).stat().st_size == 1000


def test_what_tells_no_length_is_bounded_all_the_same(hostile, monkeypatch, copies):
    def answer(request):
        if request.begin():
            while True:
                request.wfile.write(bytes(2**16))

    offer_shop(hostile, "a.jpg", **MARKED)
    hostile.answers["/a.jpg"] = answer
    monkeypatch.setenv("M5KIT_REMOTE_GB", "0.002")
    root = open_mirror(hostile.url)
    with pytest.raises(RemoteError, match="sends more than the 2,000,000 bytes"):
        find_file("a.jpg", root, 2**20)
    assert sum(path.stat().st_size for path in copies.rglob("*")) < 100_000


def test_without_any_mark_of_its_version_a_manifest_is_compared(hostile):
    offer_shop(hostile, "a.jpg")
    assert [item.sources for item in read_manifest(open_mirror(hostile.url))] == [{"image": "a.jpg"}]
    offer_shop(hostile, "b.jpg")
    assert [item.sources for item in read_manifest(open_mirror(hostile.url))] == [{"image": "b.jpg"}]


def test_a_folder_that_changes_all_the_time_is_an_error(hostile):
    numbers = iter(range(1000))

    def answer(request):
        if request.begin(3, ETag=str(next(numbers))):
            request.wfile.write(b"{}\n")

    hostile.answers["/annotations.jsonl"] = answer
    with pytest.raises(RemoteError, match="changed twice while it was read"):
        open_mirror(hostile.url)


BAD = ["\ud83d.jpg", "a\0b.jpg", "x" * 300 + ".jpg", "a.jpg/b.jpg", "../../../x.jpg", "/etc/x.jpg", "."]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_no_file_can_have_fails_its_item_alone(hostile, name):
    offer_shop(hostile, "a.jpg", **MARKED)
    hostile.offer("a.jpg", bytes(1000))
    root = open_mirror(hostile.url)
    find_file("a.jpg", root, 2**20)
    with pytest.raises(DecodeError):
        find_file(name, root, 2**20)


def test_names_that_no_file_can_have_end_no_reading_ahead(hostile):
    from m5kit.structures import Sample

    offer_shop(hostile, "a.jpg", **MARKED)
    hostile.offer("a.jpg", bytes(1000))
    root = open_mirror(hostile.url)
    find_file("a.jpg", root, 2**20)
    fetch_together([Sample(id="1", sources={"image": name}) for name in BAD], root)


def test_a_folder_of_copies_that_cannot_be_written_is_told_once(hostile, monkeypatch):
    offer_shop(hostile, "a.jpg", **MARKED)
    hostile.offer("a.jpg", bytes(1000))
    root = open_mirror(hostile.url)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copying.os, "replace", full)
    with pytest.raises(RemoteError, match=r"cannot copy .*a\.jpg to .*No space left on device; make room"):
        find_file("a.jpg", root, 2**20)
