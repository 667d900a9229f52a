"""The files of a source that is a folder."""

import os

from m5kit.data.importers.reading import Reading
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.shards import find_shards
from m5kit.data.importers.walk import HIDDEN, OUTSIDE


def test_only_regular_files_inside_of_the_folder_are_read(tmp_path):
    folder, report = tmp_path / "source", ImportReport(tmp_path / "a.jsonl")
    (folder / "deep").mkdir(parents=True)
    for name in ("source/b.tar", "source/deep/a.tar", "source/.c.tar", "secret.tar"):
        (tmp_path / name).write_text("")
    (folder / "link.tar").symlink_to(tmp_path / "secret.tar")
    (folder / "own.tar").symlink_to(folder / "b.tar")
    os.mkfifo(folder / "pipe.tar")
    (folder / "B.TAR").write_text("")
    (folder / "b.tar.idx").write_text("")
    (folder / "linked").symlink_to(folder / "deep")
    found = find_shards(folder, (".tar",), Reading(report))
    assert [path.relative_to(folder).as_posix() for path in found] == [
        "B.TAR",
        "b.tar",
        "deep/a.tar",
        "linked/a.tar",
        "own.tar",
    ]
    assert report.left_out == {
        HIDDEN: 1,
        OUTSIDE: 1,
        "pipes, devices and links to nothing": 1,
        "files whose name does not end with .tar": 1,
    }
    assert folder / "link.tar" in find_shards(folder, (".tar",), Reading(report, follow_links=True))
