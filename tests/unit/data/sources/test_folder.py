import os

import pytest

from m5kit.cli._once import saying_once
from m5kit.data.sources.folder import FolderItems
from m5kit.errors import DataError

FILES = {
    "train/cup/1.JPG": "j",
    "train/cup/1.txt": "A cup",
    "test/bowl/2.json": '{"k": 1}',
    "test/bowl/2.wav": "w",
    "test/bowl/notes.xyz": "",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    return tmp_path / "in"


def test_files_of_one_stem_are_one_item(root):
    bowl, cup = FolderItems(root=root)
    assert (cup.id, cup.split, cup.labels) == ("train/cup/1", "train", {"class": "cup"})
    assert cup.sources == {"image": "train/cup/1.JPG", "text": "A cup"}
    assert bowl.sources == {"table": {"k": 1}, "audio": "test/bowl/2.wav"}


def test_only_what_is_asked_for_is_there(root):
    items = FolderItems(root=root, columns=("text",), label="coarse")
    assert [item.sources for item in items] == [{}, {"text": "A cup"}]
    assert items[0].labels == {"coarse": "bowl"}


def test_classes_without_splits_belong_to_the_split_that_is_named(root):
    items = FolderItems(root=root / "train")
    assert (items.splits(), items.ids()) == (["train"], ["cup/1"])
    assert FolderItems(root=root / "train", split="test").splits() == ["test"]


def test_the_fingerprint_follows_names_and_sizes(root):
    before = FolderItems(root=root).fingerprint()
    assert (before["folder"], before["items"]) == ("in", 2)
    os.utime(root / "train/cup/1.txt")
    assert FolderItems(root=root).fingerprint() == before
    (root / "train/cup/1.txt").write_text("A large cup")
    assert FolderItems(root=root).fingerprint() != before


def test_a_table_that_is_no_json_is_left_for_the_decoder_to_refuse(root):
    (root / "test/bowl/2.json").write_text("{oops")
    assert FolderItems(root=root)[0].sources["table"] == "{oops"


def test_bytes_that_are_no_text_are_told_once_a_command(tmp_path, caplog):
    (tmp_path / "cup").mkdir()
    for name in ("1", "2"):
        (tmp_path / "cup" / f"{name}.txt").write_bytes(b"caf\xe9")
    with saying_once():
        assert [item.sources["text"] for item in FolderItems(root=tmp_path)] == ["caf\ufffd"] * 2
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}: bytes of texts that are not UTF-8 became \ufffd, as in cup/1.txt; "
        "others that have such bytes are not named"
    ]


def test_a_folder_without_items_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match="holds no file in CLASS/ or SPLIT/CLASS/ of a kind that m5kit knows"):
        FolderItems(root=tmp_path)
