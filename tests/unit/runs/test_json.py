"""JSON files are whole at any moment, and damage is told."""

import errno
import json
import os
from pathlib import Path

import pytest

from m5kit.errors import CheckpointError
from m5kit.runs.json import read_json, write_json, write_whole


def test_json_comes_back_and_leaves_no_partial_file(tmp_path):
    write_json(tmp_path / "x.json", {"name": "真"})
    assert read_json(tmp_path / "x.json") == {"name": "真"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_damaged_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"cannot read .*x\.json"):
        read_json(tmp_path / "x.json")


def test_json_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def refused(self, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    (tmp_path / "x.json").write_text("{}")
    monkeypatch.setattr(type(tmp_path), "read_text", refused)
    with pytest.raises(CheckpointError, match=r"cannot read .*x\.json: permission denied; see who may read it$"):
        read_json(tmp_path / "x.json", "bring it back from a copy")


def test_a_write_that_was_cut_off_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    (tmp_path / f".a.json.{os.getpid()}.partial").write_text('{"a"')
    assert read_json(tmp_path / "a.json") == {"a": 1}
    write_json(tmp_path / "a.json", {"a": 2})
    assert read_json(tmp_path / "a.json") == {"a": 2}


def test_a_write_that_fails_leaves_nothing_half_written(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_half_a_surrogate_pair_comes_back(tmp_path):
    write_json(tmp_path / "x.json", {"name": "m/\ud800.jpg"})
    assert read_json(tmp_path / "x.json") == {"name": "m/\ud800.jpg"}


def test_json_nested_too_deep_is_named(tmp_path):
    (tmp_path / "x.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(CheckpointError, match=r"cannot read .*x\.json"):
        read_json(tmp_path / "x.json")


def test_files_are_readable_by_those_whom_the_umask_allows(tmp_path):
    before = os.umask(0o022)
    try:
        write_json(tmp_path / "x.json", 1)
    finally:
        os.umask(before)
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o644


def test_what_json_has_no_form_for_is_null_unless_only_python_reads_it(tmp_path):
    values = {"loss": float("nan"), "best": [float("inf"), 1.5]}
    write_json(tmp_path / "x.json", values)
    assert json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail) == {
        "loss": None,
        "best": [None, 1.5],
    }
    write_json(tmp_path / "x.json", {"best": float("inf")}, exact=True)
    assert read_json(tmp_path / "x.json") == {"best": float("inf")}


def test_an_error_names_the_file_and_not_the_one_aside(tmp_path, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError) as told:
        write_whole(tmp_path / "results.json", b"{}")
    assert told.value.filename == str(tmp_path / "results.json")
