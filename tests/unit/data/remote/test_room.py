import os
import time

import pytest

from m5kit.data.remote import room
from m5kit.data.remote.room import MARKER, Room, copies_folder, limit_in_bytes
from m5kit.data.remote.trying import RemoteError
from m5kit.errors import ConfigError, DataError


@pytest.fixture
def files(copies, monkeypatch):
    """Four tar files of 1,000 bytes, 0.tar used longest ago, a manifest and an index; 6,000 bytes are allowed."""
    monkeypatch.setenv("M5KIT_REMOTE_GB", "6e-6")
    shop = copies / "memory" / "shop"
    shop.mkdir(parents=True)
    (shop / MARKER).write_text('{"url": "memory://shop", "versions": {"annotations.jsonl": "1"}}')
    (shop / "annotations.jsonl").write_bytes(bytes(900))
    (shop / "0.index.npy").write_bytes(bytes(900))
    for number in range(4):
        path = shop / f"{number}.tar"
        path.write_bytes(bytes(1000))
        os.utime(path, (time.time() - 1000 + number, 0))
    return shop


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
    for number in range(3):
        (files / f"{number}.jpg").write_bytes(bytes(1000))
    Room().make("new.tar", 1000, ".tar")
    assert there(files) == []
    assert len(list(files.glob("*.jpg"))) == 3


def test_the_limit_holds_though_all_files_are_in_use(files, monkeypatch):
    monkeypatch.setattr(room, "YOUNG", 0.6)
    for number in range(4):
        (files / f"{number}.jpg").write_bytes(bytes(1000))
    Room().make("new.tar", 3000, ".tar")  # waits until they are not
    assert len(list(files.glob("*.jpg"))) <= 1


def test_without_any_room_the_run_is_told(files, monkeypatch):
    monkeypatch.setattr(room, "YOUNG", 0.01)
    with pytest.raises(RemoteError, match=r"no room for new\.tar \(5,000 bytes\)"):
        Room().make("new.tar", 5000, ".tar")


def test_a_manifest_nobody_used_for_a_day_makes_room(files):
    for name in (MARKER, "annotations.jsonl", "0.index.npy"):
        os.utime(files / name, (time.time() - 2 * room.IDLE, 0))
    Room().make("new.tar", 5900, ".tar")
    assert not (files / "annotations.jsonl").exists()


def test_the_disk_is_not_filled(files, monkeypatch):
    monkeypatch.setattr(room, "YOUNG", 0.01)
    monkeypatch.setattr(room, "_free", lambda: 0)
    Room().make("new.tar", 3000, ".tar")  # in place of what was there
    assert there(files) == ["3.tar"]
    with pytest.raises(RemoteError, match="no room"):
        Room().make("new.tar", 4000, ".tar")
    assert Room().most() == 0


def test_what_is_larger_than_all_room_is_refused(files):
    with pytest.raises(DataError, match=r"new\.tar has 7e-06 GB, and M5KIT_REMOTE_GB allows 6e-06"):
        Room().make("new.tar", 7000, ".tar")
    assert len(there(files)) == 4


def test_processes_share_what_is_left(files):
    """Each believed once that the free space is its own."""
    for number in range(8):
        Room().make("new.tar", 500, ".tar")
        (files / f"new{number}.tar").write_bytes(bytes(500))
    assert sum(path.stat().st_size for path in files.rglob("*") if not path.name.startswith(".")) <= 6000


def test_what_is_being_written_counts_as_what_it_will_be(files):
    (files / ".12ab.7.3000.part").write_bytes(b"1")
    Room().make("new.tar", 1000, ".tar")
    assert there(files) == []


def test_a_damaged_counter_or_marker_is_counted_anew(files, copies):
    (copies / room.COUNTER).write_text("\0nonsense")
    (files / MARKER).write_text('{"url": ["memory"]}')
    Room().make("new.tar", 2000, ".tar")
    assert room.read_marker(files) == {"url": "", "versions": {}}


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
