import pytest

from m5kit.data.files import find_file
from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.media import Media
from m5kit.data.importers.reading import Blob
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
    media = Media(tmp_path / "out", base, copy)
    (tmp_path / "out").mkdir()
    assert media.place("image", "a.jpg", "a") == "media/a.jpg"
    assert media.place("image", "b.jpg", "b") is None
    assert not any(path.read_bytes() == b"secret" for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert Media(tmp_path / "out", base, copy, follow_links=True).place("image", "b.jpg", "b") == "media/b.jpg"
    assert find_file("media/b.jpg", tmp_path / "out", 100).read_bytes() == b"secret"


def test_only_links_of_an_import_may_lead_out(base, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    out.mkdir(), other.mkdir()
    Media(out, base).place("image", "a.jpg", "a")
    assert find_file("media/a.jpg", out, 100).read_bytes() == b"x"
    (other / "media").symlink_to(base)
    with pytest.raises(DecodeError, match=r"link that leaves the data's root .* data.follow_links"):
        find_file("media/a.jpg", other, 100)
    assert find_file("media/a.jpg", other, 100, follow_links=True).read_bytes() == b"x"


def test_one_of_many_items_in_a_file_or_a_pack(base, tmp_path):
    (base / "pack").mkdir()
    media = Media(tmp_path, base)
    assert media.place("image", "a.jpg#7", "a") == "in/a.jpg#7"
    assert media.place("image", "pack#7", "a") == "in/pack#7"
    assert media.place("image", "gone#7", "a") is None


@pytest.mark.parametrize("name", ["x" * 500, "杯" * 200, "𠀀" * 100, "../../a", ".hidden", "a\tb\nc", "a/b"])
def test_any_id_becomes_a_file_name(tmp_path, name):
    found = Media(tmp_path, tmp_path).place("image", Blob(b"x", ".jpg"), name)
    assert (tmp_path / found).read_bytes() == b"x"
    assert found.startswith("unpacked/image/")


def test_addresses_in_any_case_are_refused_and_odd_texts_are_no_files(base, tmp_path):
    media = Media(tmp_path, base)
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
