"""Members of tar files as files."""

import gc
import os
import pickle
import zlib

import pytest

from m5kit.data.files import UNBOUNDED, find_file, require_file
from m5kit.data.tars import members
from m5kit.data.tars import tar as tar_module
from m5kit.data.tars.index import TarError, index_path, make_index, save_index
from m5kit.data.tars.members import forget_open_tars, open_tar, split_path
from m5kit.data.tars.tar import Tar
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


def test_a_member_is_compared_with_its_checksum_once(tar, monkeypatch):
    index_with_checksum(tar)
    compared = []
    real = zlib.crc32
    monkeypatch.setattr(tar_module, "crc32", lambda content: compared.append(1) or real(content))
    opened = Tar(tar)
    assert [bytes(opened.view("mug.image.jpg")) for _ in range(3)] == [CONTENT] * 3
    assert opened.read("mug.image.jpg", checked=False) == CONTENT
    assert len(compared) == 1


def test_a_damaged_member_is_refused_each_time(tar):
    place = index_with_checksum(tar)
    with tar.open("r+b") as file:
        file.seek(place)
        file.write(b"X")
    opened = Tar(tar)
    for _ in range(2):
        with pytest.raises(TarError, match="is damaged"):
            opened.view("mug.image.jpg")


def test_a_tar_file_that_changed_is_opened_anew(tar, write_tar):
    before = open_tar(tar)
    assert open_tar(tar) is before
    write_tar(tar, **{"mug.image.jpg": b"blue"})
    assert open_tar(tar).read("mug.image.jpg") == b"blue"


def test_few_tar_files_stay_open_and_none_that_was_removed(tmp_path, write_tar, monkeypatch):
    monkeypatch.setattr(members, "OPEN", 3)
    forget_open_tars()
    for number in range(5):
        write_tar(tmp_path / f"{number}.tar", **{"a.txt": b"a"})
        open_tar(tmp_path / f"{number}.tar")
    assert [os.path.basename(path) for path in members._open] == ["2.tar", "3.tar", "4.tar"]
    (tmp_path / "3.tar").unlink()
    open_tar(tmp_path / "0.tar")
    assert [os.path.basename(path) for path in members._open] == ["4.tar", "0.tar"]


def test_an_index_of_places_before_the_file_is_named(tar):
    save_index(index_path(tar), make_index([("mug.image.jpg", 2**64 - 3000, 3000, -1)]))
    with pytest.raises(TarError, match="begins or ends before the file"):
        Tar(tar).view("mug.image.jpg")


def test_a_tar_file_copied_over_another_one_with_its_time_is_opened_anew(tar, write_tar):
    before, status = open_tar(tar), os.stat(tar)
    write_tar(tar, **{"mug.image.jpg": b"B" * len(CONTENT), "empty.txt": b""})
    os.utime(tar, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert os.stat(tar).st_size == status.st_size
    assert open_tar(tar) is not before
    assert open_tar(tar).read("mug.image.jpg")[:1] == b"B"
