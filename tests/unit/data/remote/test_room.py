import os
import time

import pytest

from m5kit.data.remote import room
from m5kit.data.remote.room import MARKER, Room, copies_folder, limit_in_bytes
from m5kit.errors import ConfigError, DataError


@pytest.fixture
def files(copies, monkeypatch):
    """Four tar files of 1,000 bytes, 0.tar used longest ago, beside a manifest; 4,000 bytes are allowed."""
    monkeypatch.setenv("M5KIT_REMOTE_GB", "4e-6")
    (copies / "shop").mkdir(parents=True)
    (copies / "shop" / MARKER).write_text('{"url": "memory://shop", "versions": {"annotations.jsonl": "1"}}')
    (copies / "shop" / "annotations.jsonl").write_bytes(bytes(9000))
    (copies / "shop" / "0.index.npy").write_bytes(bytes(9000))
    for number in range(4):
        path = copies / "shop" / f"{number}.tar"
        path.write_bytes(bytes(1000))
        os.utime(path, (time.time() - 1000 + number, 0))
    return copies / "shop"


def there(folder):
    return sorted(path.name for path in folder.glob("*.tar"))


def test_what_was_used_longest_ago_makes_room(files):
    space = Room()
    space.note_use(str(files / "0.tar"))
    space.make("new.tar", 2000, ".tar")
    assert there(files) == ["0.tar", "3.tar"]
    assert (files / "annotations.jsonl").exists()
    assert (files / "0.index.npy").exists()
    assert (files / "0.tar").stat().st_mtime == 0  # which tells versions apart


def test_a_file_that_may_be_about_to_be_opened_stays(files):
    for number in range(4):
        (files / f"{number}.jpg").write_bytes(bytes(1000))
    Room().make("new.tar", 1000, ".tar")
    assert there(files) == []
    assert len(list(files.glob("*.jpg"))) == 4


def test_what_is_larger_than_all_room_is_refused(files):
    with pytest.raises(DataError, match=r"new\.tar has 5e-06 GB, and M5KIT_REMOTE_GB allows 4e-06"):
        Room().make("new.tar", 5000, ".tar")
    assert len(there(files)) == 4


def test_files_are_looked_through_only_now_and_then(files, monkeypatch):
    looks = []
    clear = room._clear
    monkeypatch.setattr(room, "_clear", lambda *given: looks.append(1) or clear(*given))
    monkeypatch.setenv("M5KIT_REMOTE_GB", "1")
    space = Room()
    for _ in range(100):
        space.make("new.jpg", 1000, ".tar")
    assert len(looks) == 1


@pytest.mark.parametrize("given", ["0", "many", "-1"])
def test_a_limit_that_is_none_is_refused(given, monkeypatch):
    monkeypatch.setenv("M5KIT_REMOTE_GB", given)
    with pytest.raises(ConfigError, match="expected a number of gigabytes over 0"):
        limit_in_bytes()


def test_the_environment_says_where(copies):
    assert copies_folder() == copies
