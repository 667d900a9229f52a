import bz2
import gzip
import io
import lzma
import tarfile

import pyarrow as pa
import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.errors import DataError

TEXT = ColumnMapping({"text": ("txt",)})
BOTH = ColumnMapping({"image": ("jpg",), "text": ("txt",)})


def write(path, *names):
    with tarfile.open(path, "w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name.encode())
            tar.addfile(info, io.BytesIO(name.encode()))
    return path


@pytest.mark.parametrize("share", [0.35, 0.5, 0.8])
def test_a_cut_archive_is_refused_also_where_a_header_would_begin(imported, tmp_path, share):
    whole = write(tmp_path / "a.tar", *(f"{n}.txt" for n in range(10)))
    (tmp_path / "b.tar").write_bytes(whole.read_bytes()[: 1024 * int(share * 10) + 100])
    with pytest.raises(DataError, match=r"cannot read .*b\.tar as a tar file.*cut short"):
        imported("webdataset", tmp_path / "b.tar", columns=ColumnMapping({"text": ("txt",)}))
    (tmp_path / "c.tar").write_bytes(whole.read_bytes()[: 1024 * int(share * 10)])
    with pytest.raises(DataError, match="cut short"):
        imported("webdataset", tmp_path / "c.tar", columns=ColumnMapping({"text": ("txt",)}), out="c")


def test_joined_archives_are_refused(imported, tmp_path):
    joined = write(tmp_path / "a.tar", "1.txt").read_bytes() + write(tmp_path / "b.tar", "2.txt").read_bytes()
    (tmp_path / "c.tar").write_bytes(joined)
    with pytest.raises(DataError, match="something follows the end of the archive"):
        imported("webdataset", tmp_path / "c.tar", columns=ColumnMapping({"text": ("txt",)}))


def test_a_dot_that_hides_a_suffix_is_told(imported, tmp_path):
    source = write(tmp_path / "a.tar", "a.jpg", "a.txt", "mug 2.0.jpg", "mug 2.0.txt")
    report, items = imported("webdataset", source, columns=BOTH)
    assert [item["id"] for item in items] == ["a"]
    assert any("members .0.jpg, such as that of 'mug 2'" in warning for warning in report.warnings)
    both = ColumnMapping({"image": ("jpg", "0.jpg"), "text": ("txt", "0.txt")})
    assert len(imported("webdataset", source, columns=both, out="b")[1]) == 2


def test_a_shard_that_lacks_a_column_is_told_by_name(imported, tmp_path):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "0.tar", "a.jpg", "a.txt")
    write(tmp_path / "in" / "1.tar", "b.jpeg", "b.txt")
    report, _ = imported("webdataset", tmp_path / "in", columns=BOTH)
    assert [w for w in report.warnings if w.endswith("1.tar has no jpg in any of its rows")]


def test_hidden_members_links_and_repeated_names_are_counted(imported, tmp_path):
    source = write(tmp_path / "a.tar", "a.txt", "._a.txt", "README", "a.txt")
    with tarfile.open(source, "a") as tar:
        link = tarfile.TarInfo("a.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    report, items = imported("webdataset", source, columns=ColumnMapping({"text": ("txt",)}))
    assert len(items) == 1
    assert sorted(report.left_out.values()) == [1, 1, 1, 1]


def test_a_shard_packed_with_zstd_is_read_and_a_cut_one_refused(imported, tmp_path):
    plain = write(tmp_path / "a.tar", "1.txt", "2.txt").read_bytes()
    packed = pa.compress(plain, "zstd", asbytes=True)
    (tmp_path / "b.tar.zst").write_bytes(packed)
    _, items = imported("webdataset", tmp_path / "b.tar.zst", columns=TEXT)
    assert [item["text"] for item in items] == ["1.txt", "2.txt"]
    (tmp_path / "c.tar.zst").write_bytes(packed[:-20])
    with pytest.raises(DataError, match=r"cannot read .*c\.tar\.zst as a tar file"):
        imported("webdataset", tmp_path / "c.tar.zst", columns=TEXT, out="c")


def test_empty_members_are_told(imported, tmp_path):
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("1.jpg"))
        tar.addfile(tarfile.TarInfo("1.txt"))
    write(tmp_path / "in" / "b.tar", "2.jpg", "2.txt")
    report, items = imported("webdataset", tmp_path / "in", columns=BOTH)
    assert [item["id"] for item in items] == ["2"]
    assert report.left_out == {"members of 0 bytes": 2}
    assert report.examples["members of 0 bytes"] == "1.jpg"


def test_members_that_do_not_follow_each_other_are_refused_with_what_to_do(imported, tmp_path):
    source = write(tmp_path / "a.tar", "1.jpg", "2.jpg", "1.txt")
    with pytest.raises(DataError, match=r"the id '1' came before; .*must follow each other .*tar --sort=name"):
        imported("webdataset", source, columns=BOTH)


def test_a_missing_column_is_refused_with_what_was_left_out(imported, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("1.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("1.jpg"))
    write(tmp_path / "b.tar", "2.jpg")
    with pytest.raises(DataError, match=r"has no column txt; .*members that are no files .*: 1 \(such as 1\.txt\)"):
        imported("webdataset", tmp_path, columns=BOTH)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_shard_is_checked_to_its_end(imported, tmp_path, pack):
    packed = pack(write(tmp_path / "a.tar", "1.txt", "2.txt").read_bytes())
    (tmp_path / "b.tar.xx").write_bytes(packed)
    _, items = imported("webdataset", tmp_path / "b.tar.xx", columns=TEXT)
    assert [item["text"] for item in items] == ["1.txt", "2.txt"]
    (tmp_path / "c.tar.xx").write_bytes(packed[:-6])  # the end mark of the archive is there, the checksum is not
    with pytest.raises(DataError, match=r"cannot read .*c\.tar\.xx as a tar file"):
        imported("webdataset", tmp_path / "c.tar.xx", columns=TEXT, out="c")


def test_a_checksum_that_does_not_fit_is_damage(imported, tmp_path):
    packed = bytearray(gzip.compress(write(tmp_path / "a.tar", "1.txt").read_bytes()))
    packed[-8] ^= 1
    (tmp_path / "a.tar.gz").write_bytes(packed)
    with pytest.raises(DataError, match="CRC check failed"):
        imported("webdataset", tmp_path / "a.tar.gz", columns=TEXT)


def test_names_and_texts_are_read_as_they_are_meant(imported, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("a\udcff.txt")
        member.size = 6
        tar.addfile(member, io.BytesIO(b"\xef\xbb\xbfcup"))
    report, items = imported("webdataset", tmp_path / "a.tar", columns=TEXT)
    assert [item["text"] for item in items] == ["cup"]
    assert report.changed["names of members that are not UTF-8"] == 1


def test_where_nothing_is_taken_what_was_left_out_is_told(imported, tmp_path):
    with pytest.raises(DataError, match=r"holds no rows; left out were hidden members: 1 \(such as \.a\.txt\)"):
        imported("webdataset", write(tmp_path / "a.tar", ".a.txt"), columns=TEXT)


def test_a_broken_json_member_costs_its_item_the_table_alone(imported, tmp_path):
    source = write(tmp_path / "a.tar", "a.json", "a.txt", "b.txt")
    columns = ColumnMapping({"text": ("txt",), "table": ("json",)})
    report, items = imported("webdataset", source, columns=columns)
    assert [(item["id"], item["text"], item["table"]) for item in items] == [("a", "a.txt", None), ("b", "b.txt", None)]
    assert report.left_out == {"json: texts that are no JSON": 1}
    assert report.examples["json: texts that are no JSON"].startswith("a.json: Expecting value")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_texts_are_read_by_the_mark_of_their_encoding(imported, tmp_path, encoding):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("a.txt")
        info.size = len("café".encode(encoding))
        tar.addfile(info, io.BytesIO("café".encode(encoding)))
    report, items = imported("webdataset", tmp_path / "a.tar", columns=TEXT)
    assert items[0]["text"] == "café"
    assert not report.changed
