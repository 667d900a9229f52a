import os

import pytest

from m5kit.data.files import find_file
from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.media import Media
from m5kit.data.importers.reading import Blob
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.walk import OUTSIDE
from m5kit.errors import DataError, DecodeError


@pytest.fixture
def base(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "in"


@pytest.mark.parametrize("copy", [False, True])
def test_a_link_out_of_the_folder_is_no_medium(base, tmp_path, copy):
    (base / "b.jpg").symlink_to(tmp_path / "secret")
    media = Media(tmp_path / "out", base, copy, report=ImportReport(tmp_path))
    (tmp_path / "out").mkdir()
    assert media.place("image", "a.jpg", "a") == "media/a.jpg"
    assert media.place("image", "b.jpg", "b") is None
    assert not any(path.read_bytes() == b"secret" for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert (
        Media(tmp_path / "out", base, copy, follow_links=True, report=ImportReport(tmp_path)).place(
            "image", "b.jpg", "b"
        )
        == "media/b.jpg"
    )
    assert find_file("media/b.jpg", tmp_path / "out", 100).read_bytes() == b"secret"


def test_only_links_of_an_import_may_lead_out(base, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    out.mkdir(), other.mkdir()
    Media(out, base, report=ImportReport(tmp_path)).place("image", "a.jpg", "a")
    assert find_file("media/a.jpg", out, 100).read_bytes() == b"x"
    (other / "media").symlink_to(base)
    with pytest.raises(DecodeError, match=r"link that leaves the data's root .* data.follow_links"):
        find_file("media/a.jpg", other, 100)
    assert find_file("media/a.jpg", other, 100, follow_links=True).read_bytes() == b"x"


def test_one_of_many_items_in_a_file_or_a_pack(base, tmp_path):
    (base / "pack").mkdir()
    media = Media(tmp_path, base, report=ImportReport(tmp_path))
    assert media.place("image", "a.jpg#7", "a") == "in/a.jpg#7"
    assert media.place("image", "pack#7", "a") == "in/pack#7"
    assert media.place("image", "gone#7", "a") is None


@pytest.mark.parametrize("name", ["x" * 500, "杯" * 200, "𠀀" * 100, "../../a", ".hidden", "a\tb\nc", "a/b"])
def test_any_id_becomes_a_file_name(tmp_path, name):
    found = Media(tmp_path, tmp_path, report=ImportReport(tmp_path)).place("image", Blob(b"x", ".jpg"), name)
    assert (tmp_path / found).read_bytes() == b"x"
    assert found.startswith("unpacked/image/")


def test_addresses_in_any_case_are_refused_and_odd_texts_are_no_files(base, tmp_path):
    media = Media(tmp_path, base, report=ImportReport(tmp_path))
    with pytest.raises(DataError, match="is an address"):
        media.place("image", "HTTP://x/1.jpg", "a")
    assert [media.place("image", text, "a") for text in ("x" * 5_000, "a\0b", "img\\1.jpg")] == [None, None, None]
    assert media.place("image", Blob(b"", ".jpg"), "a") is None


def test_an_absent_modality_is_shouted_and_values_are_no_paths(imported, tmp_path):
    (tmp_path / "a.csv").write_text("id,photo,ocr\na,img\\1.jpg,SALE\nb,img\\2.jpg,NEW\n")
    columns = ColumnMapping({"image": ("photo",), "ocr": ("ocr",)}, values=("ocr",))
    report, items = imported("csv", tmp_path / "a.csv", columns=columns)
    assert [item["ocr"] for item in items] == ["SALE", "NEW"]
    assert report.warnings == ["no item has the modality image; 2 files were not found, such as img\\1.jpg"]
    assert list(report.left_out.values()) == [2]


def test_a_pack_is_copied_without_what_leads_out_of_it(base, tmp_path):
    (base / "pack" / "deep").mkdir(parents=True)
    (base / "pack" / "deep" / "1.npy").write_bytes(b"1")
    (base / "pack" / "secret.npy").symlink_to(tmp_path / "secret")
    os.mkfifo(base / "pack" / "pipe")
    report = ImportReport(tmp_path)
    media = Media(tmp_path / "out", base, copy=True, report=report)
    assert media.place("image", "pack#1", "a") == "media/pack#1"
    copied = [path.relative_to(tmp_path / "out" / "media" / "pack") for path in (tmp_path / "out").rglob("*.npy")]
    assert list(map(str, copied)) == ["deep/1.npy"]
    assert report.left_out == {OUTSIDE: 1, "pipes, devices and links to nothing": 1}


def test_no_file_of_several_takes_the_place_of_another_item(tmp_path):
    media = Media(tmp_path, tmp_path, report=ImportReport(tmp_path))
    values = [("a", b"first", 0), ("a", b"second", 1), ("a.0", b"other", None)]
    places = [media.place("image", Blob(data, ".jpg"), name, number) for name, data, number in values]
    assert [(tmp_path / place).read_bytes() for place in places] == [b"first", b"second", b"other"]


def test_empty_files_and_files_of_no_known_kind_are_told(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    report = ImportReport(tmp_path)
    media = Media(tmp_path, tmp_path, report=report)
    assert media.place("image", "empty.jpg", "a") == "empty.jpg"
    assert media.place("image", Blob(b"img/1.jpg", ".bin"), "b").endswith(".bin")
    assert list(report.noticed.values()) == [1, 1]
    assert list(report.examples.values()) == ["empty.jpg", "that of b"]
