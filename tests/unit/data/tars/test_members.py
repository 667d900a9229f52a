"""Members of tar files as files."""

import gc
import os
import pickle
import zlib

import pytest

from m5kit.data.files import UNBOUNDED, find_file, require_file
from m5kit.data.tars.index import index_path, make_index, save_index
from m5kit.data.tars.members import split_path
from m5kit.errors import DecodeError

CONTENT = b"red" * 1000


@pytest.fixture
def tar(tmp_path, write_tar):
    path = tmp_path / "a.tar"
    write_tar(path, **{"mug.image.jpg": CONTENT, "empty.txt": b""})
    return path


def index_with_checksum(tar):
    place = tar.read_bytes().find(CONTENT)
    save_index(index_path(tar), make_index([("mug.image.jpg", place, len(CONTENT), zlib.crc32(CONTENT))]))
    return place


def test_a_path_may_lead_through_a_tar_file(tar, tmp_path):
    found = find_file("a.tar/mug.image.jpg", tmp_path, UNBOUNDED)
    assert found.read_bytes() == CONTENT
    assert found.suffix == ".jpg"


def test_the_copy_lives_as_long_as_its_path(tar, tmp_path):
    found = find_file("a.tar/mug.image.jpg", tmp_path, UNBOUNDED)
    name = str(found)
    assert os.path.exists(name)
    del found
    gc.collect()
    assert not os.path.exists(name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a.tar/other.jpg", r"a\.tar holds no other\.jpg"),
        ("a.tar/empty.txt", r"the file is empty \(0 bytes\)"),
        ("a.tar/../../x", "the path leaves the data's root"),
        ("b.tar/mug.image.jpg", "there is no such file"),
    ],
)
def test_what_cannot_be_read_is_a_decode_error_that_names_it(tar, tmp_path, source, message):
    with pytest.raises(DecodeError, match=message):
        find_file(source, tmp_path, UNBOUNDED)
    with pytest.raises(DecodeError, match=message):
        require_file(source, tmp_path)


def test_the_cap_holds_before_anything_is_read(tar, tmp_path):
    with pytest.raises(DecodeError, match="3,000 bytes are over the cap max_bytes=2,999"):
        find_file("a.tar/mug.image.jpg", tmp_path, 2_999)


def test_a_flipped_bit_is_found_by_the_checksum(tar, tmp_path):
    place = index_with_checksum(tar)
    assert find_file("a.tar/mug.image.jpg", tmp_path, UNBOUNDED).read_bytes() == CONTENT
    with tar.open("r+b") as file:
        file.seek(place + 5)
        file.write(b"X")
    with pytest.raises(DecodeError, match=r"mug\.image\.jpg in a\.tar is damaged: its checksum is another"):
        find_file("a.tar/mug.image.jpg", tmp_path, UNBOUNDED)


def test_a_tar_file_that_is_cut_short_costs_the_members_behind_the_cut(tar, tmp_path):
    place = index_with_checksum(tar)
    with tar.open("r+b") as file:
        file.truncate(place + 100)
    with pytest.raises(DecodeError, match=r"a\.tar is cut short before the end of mug\.image\.jpg"):
        find_file("a.tar/mug.image.jpg", tmp_path, UNBOUNDED)


def test_a_folder_may_be_called_like_a_tar_file(tmp_path):
    (tmp_path / "x.tar").mkdir()
    (tmp_path / "x.tar" / "a.txt").write_text("loose")
    assert split_path(str(tmp_path / "x.tar" / "a.txt")) is None
    assert find_file("x.tar/a.txt", tmp_path, UNBOUNDED).read_text() == "loose"


def test_the_path_of_a_copy_crosses_to_another_process_as_a_plain_path(tar, tmp_path):
    found = find_file("a.tar/mug.image.jpg", tmp_path, UNBOUNDED)
    assert pickle.loads(pickle.dumps(found)) == found


def test_an_index_that_promises_more_than_there_is_asks_for_no_memory(tar, tmp_path):
    save_index(index_path(tar), make_index([("mug.image.jpg", 0, 2**62, 0)]))
    with pytest.raises(DecodeError, match="is cut short before the end of"):
        find_file("a.tar/mug.image.jpg", tmp_path, 2**63)


def test_a_tar_file_behind_a_link_out_of_the_root_is_refused(tar, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (root / "a.tar").symlink_to(tar)
    with pytest.raises(DecodeError, match="a link that leaves the data's root"):
        find_file("a.tar/mug.image.jpg", root, UNBOUNDED)
