import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from m5kit.data.links import is_own_link, remember_link
from m5kit.errors import DataError

MANY = """
import sys
from pathlib import Path
from m5kit.data.links import remember_link
for number in range(60):
    remember_link(Path(f"/data/{sys.argv[1]}-{number}"), Path("/media"))
"""


def test_two_imports_at_once_lose_no_link(tmp_path, monkeypatch):
    monkeypatch.setenv("M5KIT_STATE", str(tmp_path))
    started = [subprocess.Popen([sys.executable, "-c", MANY, name]) for name in "ab"]
    assert [process.wait(120) for process in started] == [0, 0]
    assert len(json.loads((tmp_path / "links.json").read_text())) == 120
    assert is_own_link("/data/a-59", "/media/x")


def test_a_folder_whose_name_is_not_utf8_is_known_again(tmp_path, monkeypatch):
    monkeypatch.setenv("M5KIT_STATE", str(tmp_path / "state"))
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    remember_link(Path(folder), tmp_path)
    assert is_own_link(os.path.realpath(folder), str(tmp_path / "a.jpg"))


def test_a_state_that_cannot_be_written_is_said_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("M5KIT_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(DataError, match=r"links to .*: not a directory; .* M5KIT_STATE, or copy the files with --copy"):
        remember_link(tmp_path, tmp_path / "media")
