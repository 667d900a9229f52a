import os

import pytest

from m5kit.data.importers.walk import EMPTY, HIDDEN, NOT_UTF8, OUTSIDE, UNREADABLE, walk


@pytest.fixture
def told():
    return []


def walked(folder, told, **options):
    found = walk(folder, options.pop("follow_links", False), lambda reason, path: told.append((reason, str(path))))
    return [(place.as_posix(), list(names)) for place, names in found]


def test_what_is_not_looked_at_is_told(tmp_path, told):
    for name in ("in/b/2", "in/a/1", "in/.git/x", "in/c", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "in" / "a" / "x.jpg").write_text("")
    (tmp_path / "in" / "b" / "out").symlink_to(tmp_path / "elsewhere")
    open(os.fsencode(tmp_path / "in" / "b") + b"/\xff.jpg", "w").close()
    assert walked(tmp_path / "in", told)[1] == ("a", ["x.jpg"])
    assert sorted(told) == sorted(
        [(HIDDEN, ".git"), (NOT_UTF8, "b/?.jpg"), (OUTSIDE, "b/out"), (EMPTY, "a/1"), (EMPTY, "b/2"), (EMPTY, "c")]
    )
    assert ("b/out", []) in walked(tmp_path / "in", told, follow_links=True)


def test_a_folder_that_may_not_be_read_is_told(tmp_path, told, monkeypatch):
    (tmp_path / "in" / "locked").mkdir(parents=True)
    scan = os.scandir

    def refuse(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)  # the root user may read everything
    assert walked(tmp_path / "in", told) == [(".", [])]
    assert told == [(UNREADABLE, "locked")]


def test_what_the_import_itself_writes_is_no_part_of_its_source(tmp_path, told):
    (tmp_path / "out" / "media").mkdir(parents=True)
    for name in ("out/.import.lock", ".annotations.jsonl.part", "a.csv"):
        (tmp_path / name).write_text("")
    assert walked(tmp_path, told) == [(".", ["a.csv"])]
    assert told == []
