"""Where the members of a tar file lie."""

import numpy as np
import pytest

from m5kit.data.tars.index import (
    RECORD,
    UNCHECKED,
    TarError,
    index_path,
    load_index,
    make_index,
    open_index,
    save_index,
)


def test_an_index_is_sorted_and_comes_back_from_the_disk(tmp_path):
    entries = [(f"{number}.txt", 512 * number, number, 7) for number in range(50)]
    index = make_index(entries)
    assert (np.diff(index["key"].astype(np.float64)) > 0).all()
    save_index(tmp_path / "a.index.npy", index)
    assert load_index(tmp_path / "a.index.npy").tolist() == index.tolist()


def test_two_members_of_one_name_are_refused():
    with pytest.raises(TarError, match="two members have the same name"):
        make_index([("a", 0, 1, 1), ("a", 512, 1, 1)])


def test_a_tar_file_without_an_index_gets_one_that_is_kept_elsewhere(tmp_path, write_tar):
    tar = tmp_path / "a.tar"
    write_tar(tar, **{"./x.txt": b"first", "y.txt": b"other"})
    index = open_index(tar)
    assert len(index) == 2
    assert (index["check"] == UNCHECKED).all()
    assert not index_path(tar).exists()
    for _, offset, size, _ in index.tolist():
        assert tar.read_bytes()[offset : offset + size] in (b"first", b"other")


UNCLOSED = b"\x93NUMPY\x01\x00\x28\x00" + b"{'descr': [('key', '<u8), ".ljust(40)
"""Numpy reads the header of an array as Python, and lets its tokenizer's errors through."""


@pytest.mark.parametrize("damage", [b"", b"no array", UNCLOSED, "wrong"])
def test_a_damaged_index_is_named(tmp_path, damage):
    path = tmp_path / "a.index.npy"
    if damage == "wrong":
        np.save(path, np.zeros(3))
    else:
        path.write_bytes(damage)
    with pytest.raises(TarError, match=r"a\.index\.npy"):
        load_index(path)


@pytest.mark.parametrize("mode", ["w:gz", "none"])
def test_what_is_no_plain_tar_file_is_refused(tmp_path, write_tar, mode):
    tar = tmp_path / "a.tar"
    if mode == "none":
        tar.write_bytes(b"x" * 2000)
    else:
        write_tar(tar, mode, x=b"content")
    with pytest.raises(TarError, match=r"a\.tar is no plain tar file"):
        open_index(tar)


def test_a_damaged_index_of_our_own_is_made_again(tmp_path, write_tar, monkeypatch):
    monkeypatch.setenv("M5KIT_STATE", str(tmp_path / "state"))
    tar = tmp_path / "a.tar"
    write_tar(tar, x=b"content")
    expected = open_index(tar).tolist()
    (kept,) = (tmp_path / "state/tars").iterdir()
    kept.write_bytes(UNCLOSED)
    assert open_index(tar).tolist() == expected


def test_a_record_takes_32_bytes():
    assert RECORD.itemsize == 32
