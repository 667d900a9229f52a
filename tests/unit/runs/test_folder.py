"""A run folder belongs to one run."""

import pytest

from m5kit.errors import CheckpointError
from m5kit.runs.folder import RunFolder, read_json, write_json


def test_a_folder_with_a_run_is_not_taken_over(tmp_path):
    RunFolder.create(tmp_path / "a").config.write_text("seed: 0\n")
    with pytest.raises(CheckpointError, match="already holds a run; add --resume"):
        RunFolder.create(tmp_path / "a")


def test_a_folder_without_a_run_is_not_opened(tmp_path):
    with pytest.raises(CheckpointError, match="holds no run"):
        RunFolder.open(tmp_path)


def test_json_comes_back_and_leaves_no_partial_file(tmp_path):
    write_json(tmp_path / "x.json", {"name": "真"})
    assert read_json(tmp_path / "x.json") == {"name": "真"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_damaged_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"cannot read .*x\.json"):
        read_json(tmp_path / "x.json")
