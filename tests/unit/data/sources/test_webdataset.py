"""Items of plain tar files."""

import io
import json
import tarfile

import pytest

from m5kit.data.sources.webdataset import WebDatasetItems, default_source
from m5kit.errors import DataError


def write(path, members, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "tars"
    row = json.dumps({"text": "a bowl", "table": {"size": 3}, "labels": {"fine": "b1", "coarse": None}})
    write(
        root / "train" / "a.tar", {"1.jpg": "j", "1.txt": "a mug", "1.cls": "mug\n", "2.image.png": "p", "2.json": row}
    )
    write(root / "test" / "b.tar", {"1.json": '{"colour": "red"}', "1.seg.xyz": "?", "x/3.wav": "w"})
    return root


def test_members_of_one_key_are_one_item(root):
    items = list(WebDatasetItems(root=root))
    assert [(item.id, item.split, item.labels) for item in items] == [
        ("test/b/1", "test", {}),
        ("test/b/x/3", "test", {}),
        ("train/a/1", "train", {"class": "mug"}),
        ("train/a/2", "train", {"fine": "b1"}),
    ]
    assert [item.sources for item in items] == [
        {"table": {"colour": "red"}},
        {"audio": "test/b.tar/x/3.wav"},
        {"image": "train/a.tar/1.jpg", "text": "a mug"},
        {"image": "train/a.tar/2.image.png", "text": "a bowl", "table": {"size": 3}},
    ]


def test_one_tar_file_alone_puts_no_name_in_front(root):
    items = WebDatasetItems(root=root / "train", columns=("text",), split="val", label="kind")
    assert (items.ids(), items.splits()) == (["1", "2"], ["val", "val"])
    assert [item.sources for item in items] == [{"text": "a mug"}, {"text": "a bowl"}]
    assert items[0].labels == {"kind": "mug"}


def test_a_damaged_text_fails_when_it_is_decoded(tmp_path):
    write(tmp_path / "a.tar", {"1.jpg": "j", "1.txt": ""})
    item = WebDatasetItems(root=tmp_path)[0]
    assert "the file is empty" in str(item.sources["text"])


@pytest.mark.parametrize(
    ("members", "mode", "message"),
    [
        ({"1.jpg": "a", "1.png": "b"}, "w", "are both the image of one item"),
        ({"1.xyz": "a"}, "w", "holds no tar file with members"),
        ({"1.jpg": "a"}, "w:gz", "is no plain tar file"),
    ],
)
def test_what_cannot_be_items_is_an_error(tmp_path, members, mode, message):
    write(tmp_path / "a.tar", members, mode)
    with pytest.raises(DataError, match=message):
        WebDatasetItems(root=tmp_path)


def test_tar_files_are_taken_where_no_manifest_describes_them(tmp_path):
    assert default_source(tmp_path) == {"type": "manifest"}
    write(tmp_path / "a.tar", {"1.txt": "a"})
    assert default_source(tmp_path) == {"type": "webdataset"}
    (tmp_path / "annotations.jsonl").write_text("{}")
    assert default_source(tmp_path) == {"type": "manifest"}


def test_numbered_members_are_several_values_of_a_modality(tmp_path):
    names = ["1.image.0.jpg", "1.image.1.jpg", "1.txt", "2.0.jpg", "2.1.jpg", "2.text.0.txt", "2.text.1.txt"]
    write(tmp_path / "a.tar", {name: name for name in names})
    items = WebDatasetItems(root=tmp_path)
    assert [item.sources for item in (items[0], items[1])] == [
        {"image": ["a.tar/1.image.0.jpg", "a.tar/1.image.1.jpg"], "text": "1.txt"},
        {"image": ["a.tar/2.0.jpg", "a.tar/2.1.jpg"], "text": ["2.text.0.txt", "2.text.1.txt"]},
    ]
    assert items.fingerprint() == WebDatasetItems(root=tmp_path).fingerprint()


def test_what_becomes_part_of_no_item_is_told_with_an_example(tmp_path, caplog):
    write(tmp_path / "a.tar", {"1.txt": "a", "1.xyz": "?", ".2.txt": "b", f"{'x' * 1001}.txt": "c", "../3.txt": "d"})
    write(tmp_path / "b.tar.gz", {"4.txt": "e"}, "w:gz")
    write(tmp_path / "c.TAR", {"5.txt": "f"})
    (tmp_path / "inner").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "inner")
    assert WebDatasetItems(root=tmp_path).ids() == ["1"]
    told = [record.getMessage().partition("left out: ")[2] for record in caplog.records]
    assert [line for line in told if line.startswith("1 members whose ending names no modality, such as a.tar/1.xyz")]
    assert [line for line in told if line.startswith("1 hidden files and folders, such as a.tar/.2.txt")]
    assert [line for line in told if line.startswith("1 names of more than 1,000 characters")]
    assert [line for line in told if line.startswith("1 members whose name leads out of the tar file")]
    assert [line for line in told if line.startswith("2 tar files that are packed, or do not end with .tar")]
    assert [line for line in told if line.startswith("1 links to folders")]


@pytest.mark.parametrize("content", ["", " "])
def test_a_class_that_cannot_be_read_is_no_class(tmp_path, caplog, content):
    write(tmp_path / "a.tar", {"1.txt": "a", "1.cls": content, "2.txt": "b", "2.cls": "mug"})
    assert [item.labels for item in WebDatasetItems(root=tmp_path)] == [{}, {"class": "mug"}]
    assert "item 1 has no class (" in caplog.text


@pytest.mark.parametrize("row", [{"labels": ["a"]}, {"labels": {"a": 1}}, {"text": 5}, {"table": "wood", "size": 3}])
def test_a_table_with_a_property_called_like_a_part_of_a_row_is_a_table(tmp_path, row):
    write(tmp_path / "a.tar", {"1.json": json.dumps(row)})
    (item,) = WebDatasetItems(root=tmp_path)
    assert (item.sources, item.labels) == ({"table": row}, {})


@pytest.mark.parametrize(
    "change",
    [{"1.cls": "cup"}, {"1.txt": "a cup"}, {"1.npy": "x" * 30_000}, {"1.npy": "b" * 29_999 + "x"}, {"1.jpg": "longer"}],
)
def test_the_fingerprint_tells_contents_apart(tmp_path, change):
    members = {"1.jpg": "j", "1.txt": "a mug", "1.cls": "mug", "1.npy": "b" * 30_000}
    for folder, contents in (("a", members), ("b", members), ("c", members | change)):
        write(tmp_path / folder / "tars" / "0.tar", contents)
    once, again, other = (WebDatasetItems(root=tmp_path / name / "tars").fingerprint() for name in "abc")
    assert once == again != other
    assert once["sha256"] == other["sha256"]  # what earlier versions wrote down stays comparable
