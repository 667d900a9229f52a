import os

import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.walk import OUTSIDE
from m5kit.data.manifest import read_manifest
from m5kit.data.sources.folder import FolderItems
from m5kit.data.validate import validate
from m5kit.errors import DataError
from m5kit.registry import DECODERS

ALL = ColumnMapping({"image": ("image",), "text": ("text",)}, labels={"c": "class"})


PICTURES = ColumnMapping({"image": ("image",)}, labels={"c": "class"})


@pytest.fixture
def photos(tmp_path):
    from PIL import Image

    (tmp_path / "f" / "mug").mkdir(parents=True)
    (tmp_path / "real").mkdir()
    for name in ("f/mug/1.jpg", "real/9.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return tmp_path / "f"


def test_hidden_and_unknown_files_are_no_items_and_are_counted(imported, photos):
    (photos / ".ipynb_checkpoints").mkdir()
    (photos / ".ipynb_checkpoints" / "1.jpg").write_bytes(b"x")
    (photos / "mug" / "._1.jpg").write_bytes(b"x")
    (photos / "mug" / "1.heic").write_bytes(b"x")
    report, items = imported("folder", photos, columns=PICTURES)
    assert [item["id"] for item in items] == ["mug/1"]
    assert sorted(report.left_out.values()) == [1, 2]


def test_a_linked_class_is_told_and_followed_where_allowed(imported, photos, tmp_path):
    (photos / "bowl").symlink_to(tmp_path / "real")
    report, items = imported("folder", photos, columns=PICTURES)
    assert (len(items), report.left_out[OUTSIDE], report.examples[OUTSIDE]) == (1, 1, "bowl")
    _, items = imported("folder", photos, columns=PICTURES, out="b", follow_links=True)
    assert [item["labels"]["c"] for item in items] == ["bowl", "mug"]
    assert validate(tmp_path / "b", decode=True).problems == ()
    assert [item.id for item in FolderItems(root=photos).items] == ["mug/1"]
    assert len(FolderItems(root=photos, follow_links=True)) == 2


def test_links_inside_are_followed_but_not_in_circles(imported, photos):
    (photos / "cup").symlink_to(photos / "mug")
    (photos / "mug" / "again").symlink_to(photos)
    _, items = imported("folder", photos, columns=PICTURES)
    assert [item["id"] for item in items] == ["cup/1", "mug/1"]


def test_a_linked_text_and_a_pipe_are_not_read(imported, photos, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (photos / "mug" / "1.txt").symlink_to(tmp_path / "secret")
    os.mkfifo(photos / "mug" / "2.txt")
    (photos / "mug" / "3.txt").write_text("a mug")
    report, items = imported("folder", photos, columns=ALL)
    assert [item["text"] for item in items] == [None, "a mug"]
    assert report.left_out.total() == 2
    found = FolderItems(root=photos)
    texts = [found[index].sources.get("text") for index in range(len(found))]
    assert not any("secret" in str(text) for text in texts if isinstance(text, str))


def test_bytes_that_are_not_utf8_are_replaced_and_counted(imported, photos):
    (photos / "mug" / "1.txt").write_bytes(b"caf\xe9")
    report, items = imported("folder", photos, columns=ALL)
    assert items[0]["text"] == "caf\ufffd"
    assert report.changed.total() == 1


def test_damaged_and_deep_tables_cost_the_table_of_one_item(imported, photos):
    (photos / "mug" / "1.json").write_text("[" * 100_000)
    (photos / "mug" / "1.txt").write_text("a mug")
    table = ColumnMapping({"text": ("text",), "table": ("table",)})
    with pytest.raises(Exception, match="has no column table"):
        imported("folder", photos, columns=table)
    (photos / "mug" / "2.json").write_text('{"k": 1}')
    report, items = imported("folder", photos, columns=table, out="b")
    assert [item["table"] for item in items] == [None, {"k": 1}]
    assert "1.json" in report.examples["table: files that cannot be read"]


def test_imported_links_can_be_decoded_and_others_cannot(imported, photos, tmp_path):
    imported("folder", photos, columns=PICTURES)
    sample = read_manifest(tmp_path / "out")[0]
    assert DECODERS.build({"type": "pillow"})(sample.sources["image"], tmp_path / "out").shape == (8, 8, 3)


def test_numbered_files_are_several_of_an_item_where_that_is_asked_for(imported, tmp_path):
    place = tmp_path / "s" / "mug"
    place.mkdir(parents=True)
    for name in ("a.10.jpg", "a.2.jpg", "a.txt", "b.jpg", "c.0.txt"):
        (place / name).write_text(name)
    columns = ColumnMapping({"image": ("image",), "text": ("text",)}, several=("image",))
    _, items = imported("folder", tmp_path / "s", columns=columns)
    assert [(item["id"], item["image"]) for item in items] == [
        ("mug/a", ["media/mug/a.2.jpg", "media/mug/a.10.jpg"]),
        ("mug/b", "media/mug/b.jpg"),
        ("mug/c.0", None),
    ]
    assert [item.id for item in FolderItems(root=tmp_path / "s").items] == [
        "mug/a.10",
        "mug/a.2",
        "mug/a",
        "mug/b",
        "mug/c.0",
    ]
    assert FolderItems(root=tmp_path / "s", several=("image",))[0].sources == {
        "image": ["mug/a.2.jpg", "mug/a.10.jpg"],
        "text": "a.txt",
    }


def test_texts_beside_the_folders_of_classes_are_no_items(imported, photos):
    for name in ("README.txt", "classes.json"):
        (photos / name).write_text("{}")
    report, items = imported("folder", photos, columns=PICTURES)
    assert [item["id"] for item in items] == ["mug/1"]
    assert report.left_out == {"texts and tables beside the folders of classes": 2}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_texts_of_windows_are_read(imported, photos, encoding):
    (photos / "mug" / "1.txt").write_text("café", encoding=encoding)
    report, items = imported("folder", photos, columns=ALL)
    assert items[0]["text"] == "café"
    assert not report.changed


@pytest.mark.parametrize("text", ["[1, 2]", "5", "null", "{}", '{"a": 1, "a": 2}', "", "[" * 5000])
def test_a_file_that_holds_no_table_costs_that_table_and_is_told(imported, tmp_path, text):
    place = tmp_path / "in" / "cups"
    place.mkdir(parents=True)
    for name, content in {"1.json": text, "1.txt": "a", "2.json": '{"size": 3}', "2.txt": "b"}.items():
        (place / name).write_text(content)
    columns = ColumnMapping({"text": ("text",), "table": ("table",)})
    report, items = imported("folder", tmp_path / "in", columns=columns)
    assert [item["table"] for item in items] == [None, {"size": 3}]
    assert report.left_out.total() == 1


@pytest.mark.parametrize("text", [" \n", "\ufeff", "\u200b"])
def test_a_file_without_a_text_is_told(imported, tmp_path, text):
    (tmp_path / "in" / "cups").mkdir(parents=True)
    (tmp_path / "in" / "cups" / "1.txt").write_text(text, encoding="utf-8")
    (tmp_path / "in" / "cups" / "2.txt").write_text("a")
    report, items = imported("folder", tmp_path / "in", columns=ColumnMapping({"text": ("text",)}))
    assert [item["id"] for item in items] == ["cups/2"]
    assert report.left_out.total() == 1


@pytest.mark.parametrize("other", [" mug", "\u00a0mug"])
def test_folders_that_differ_by_blanks_alone_are_named(imported, tmp_path, other):
    for name in ("mug", other):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a.txt").write_text("a mug")
    columns = ColumnMapping({"text": ("text",)}, labels={"class": "class"})
    with pytest.raises(DataError, match="'mug/a' came before: one of them is written") as refused:
        imported("folder", tmp_path / "in", columns=columns)
    assert repr(f"{other}/a") in str(refused.value)
