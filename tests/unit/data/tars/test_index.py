"""Where the members of a tar file lie."""

import os
import tarfile

import numpy as np
import pytest

from m5kit.data.tars.index import (
    RECORD,
    UNCHECKED,
    TarError,
    index_path,
    key_of,
    load_index,
    make_index,
    open_index,
    save_index,
    scan,
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


def member(name, kind=tarfile.REGTYPE, content=b"content", **fields):
    """Bytes of one member, as another program may write it."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.PAX_FORMAT) + content.ljust(-(-len(content) // 512) * 512, b"\0")


END = bytes(1024)


def scanned(path):
    told = []
    return [name for name, *_ in scan(path, lambda reason, name: told.append((reason, name)))], told


def test_what_is_left_out_of_a_tar_file_is_told(tmp_path):
    pieces = [
        member("a.txt"),
        member("folder", tarfile.DIRTYPE, b""),
        member("b.txt", tarfile.LNKTYPE, b"", linkname="a.txt"),
        member("c", tarfile.CHRTYPE, b""),
        member("../d.txt"),
        member("/e.txt"),
        member("a.txt", content=b"again"),
        member("x/../f.txt"),
        member("g.txt", tarfile.GNUTYPE_SPARSE),
        tarfile.TarInfo("caf\udce9.txt").tobuf(tarfile.GNU_FORMAT, errors="surrogateescape"),
    ]
    (tmp_path / "a.tar").write_bytes(b"".join(pieces) + END)
    names, told = scanned(tmp_path / "a.tar")
    assert names == ["a.txt", "f.txt"]
    assert [reason for reason, _ in told] == [
        "members that are no files (links, devices)",
        "members that are no files (links, devices)",
        "members whose name leads out of the tar file",
        "members whose name leads out of the tar file",
        "members of a name that came before, of which the last counts",
        "sparse members",
        "members whose name is not UTF-8",
    ]
    assert told[-1][1] == "caf?.txt"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (member("a.txt") + member("b.txt"), "no end mark"),
        (member("a.txt") + member("b.txt")[:100], "cut short"),
        (member("a.txt") + b"x" * 512 + member("b.txt") + END, "no end mark"),
        (member("a.txt") + END + member("b.txt") + END, "as if files were joined"),
        (member("a.txt", size=-512) + END, "a size below 0"),
        (member("a.txt") + END[:512] + member("b.txt"), "as if files were joined"),
    ],
)
def test_an_end_that_is_none_is_named(tmp_path, content, message):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(TarError, match=message):
        scan(tmp_path / "a.tar")


def test_thousands_of_headers_of_one_member_are_named(tmp_path):
    header = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, b"a")
    (tmp_path / "a.tar").write_bytes(header * 5_000 + member("a.txt") + END)
    with pytest.raises(TarError, match=r"a\.tar is no plain tar file"):
        scan(tmp_path / "a.tar")


def test_a_file_copied_over_another_one_with_its_time_gets_an_index_of_its_own(tmp_path, write_tar, monkeypatch):
    monkeypatch.setenv("M5KIT_STATE", str(tmp_path / "state"))
    tar = tmp_path / "a.tar"
    write_tar(tar, **{"x.txt": b"content"})
    open_index(tar)
    status = tar.stat()
    write_tar(tar, **{"y.txt": b"content"})
    os.utime(tar, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert open_index(tar)["key"].tolist() == [key_of("y.txt")]
