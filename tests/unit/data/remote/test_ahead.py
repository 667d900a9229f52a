from m5kit.data.manifest import read_manifest
from m5kit.data.remote.ahead import fetch_together, named_files
from m5kit.data.remote.mirror import open_mirror
from m5kit.structures import Sample


def test_the_files_of_some_items_come_together(shop):
    root = open_mirror(shop)
    fetch_together(list(read_manifest(root))[:2], root)
    assert sorted(path.name for path in root.rglob("*.jpg")) == ["0.jpg", "1.jpg"]


def test_an_item_needs_files_and_the_tar_files_that_its_paths_lead_through(tmp_path):
    sources = {
        "image": ["a/1.jpg", "a/2.jpg"],
        "text": "a mug",
        "video": "0.tar/1.mp4",
        "smell": "1.tar/1.npz",
        "table": {"a": 1},
    }
    assert named_files(Sample("1", sources), tmp_path) == [
        str(tmp_path / name) for name in ("a/1.jpg", "a/2.jpg", "0.tar", "1.tar")
    ]


def test_what_leaves_the_folder_is_not_fetched(tmp_path):
    sources = {"image": "../1.jpg", "video": "/etc/passwd", "audio": "a/../../2.tar/1.flac"}
    assert named_files(Sample("1", sources), tmp_path / "shop") == []


def test_every_file_of_an_item_is_named_those_of_several_too_and_tar_files_once_they_are_led_through(tmp_path):
    sources = {"image": ["a.jpg", "0.tar/b.jpg"], "video": "c/d.mp4", "text": "a mug", "scan": "1.tar/x.bin"}
    names = [str(tmp_path / name) for name in ("a.jpg", "0.tar", "c/d.mp4", "1.tar")]
    assert named_files(Sample("x", sources), tmp_path) == names
