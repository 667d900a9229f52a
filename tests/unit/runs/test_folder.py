"""A run folder belongs to one run."""

import os
from pathlib import Path

import pytest

from m5kit.errors import CheckpointError, ConfigError
from m5kit.runs.folder import RunFolder, newest_path
from m5kit.runs.sweep_folder import SweepFolder


def test_a_folder_with_a_run_is_not_taken_over(tmp_path):
    folder = RunFolder.create(tmp_path / "a")
    folder.config.write_text("seed: 0\n")
    with pytest.raises(CheckpointError, match=r"no checkpoint yet: add --resume to begin it again, or remove .*a to"):
        RunFolder.create(tmp_path / "a")
    (folder.checkpoints / "step_0000002").mkdir()
    with pytest.raises(CheckpointError, match="already holds a run; add --resume to continue it, or choose another"):
        RunFolder.create(tmp_path / "a")


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("error", [ConfigError(["schedule.tokens: too few"]), ZeroDivisionError(), KeyboardInterrupt()])
def test_a_new_run_that_is_refused_leaves_the_folder_to_the_next(tmp_path, new, error):
    folder = RunFolder(tmp_path)
    folder.config.write_text("seed: 0\n")
    folder.item_sizes.write_bytes(b"of this config")
    with pytest.raises(type(error)), folder.left_if_refused(new):
        raise error
    assert (folder.config.exists(), folder.item_sizes.exists()) == (not new, not new)


def test_a_folder_without_a_run_is_not_opened(tmp_path):
    with pytest.raises(CheckpointError, match="holds no run"):
        RunFolder.open(tmp_path)


def test_a_folder_of_runs_names_one_of_them(tmp_path):
    RunFolder.create(tmp_path / "a").config.write_text("seed: 0\n")
    with pytest.raises(CheckpointError, match=f"give a run in it, such as {tmp_path / 'a'}"):
        RunFolder.open(tmp_path)


def test_a_run_and_a_sweep_have_one_writer(tmp_path):
    for folder in (RunFolder(tmp_path / "run"), SweepFolder(tmp_path / "sweep")):
        with (
            folder.writing(),
            pytest.raises(CheckpointError, match=f"in {folder.path} is being written by"),
            type(folder)(folder.path).writing(),
        ):
            pass


def test_default_names_never_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {RunFolder.new("demo/scale").path.as_posix() for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("runs/demo-scale-2") for name in names)


def test_half_of_a_file_that_a_killed_training_wrote_is_removed_by_the_next(tmp_path):
    for name in ("config.yaml", "provenance.json", "metrics.jsonl", "curves.png"):
        (tmp_path / f".{name}.123.partial").write_text("{")
    (tmp_path / ".results.json.124.partial").write_text("{")  # an evaluation may be writing it
    with RunFolder(tmp_path).writing():
        assert [path.name for path in tmp_path.glob("*.partial")] == [".results.json.124.partial"]
    with RunFolder(tmp_path).updating(tmp_path / "results.json"):
        assert not list(tmp_path.glob("*.partial"))


def test_the_newest_run_is_one_of_this_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert newest_path("demo/scale") is None
    for name in (
        "20260102-000000",
        "20260102-000000-2",
        "20260102-000000-10",
        "20260101-235959",
        "noise-20260103-000000",
    ):
        folder = tmp_path / f"runs/demo-scale-{name}"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("")
    (tmp_path / "runs/demo-scale-20260104-000000").mkdir()  # nothing has begun there
    assert newest_path("demo/scale").name == "demo-scale-20260102-000000-10"
    assert newest_path("demo/scale-noise").name == "demo-scale-noise-20260103-000000"


def test_a_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    name = os.fsdecode(bytes(tmp_path) + b"/caf\xe9")
    with pytest.raises(CheckpointError, match="is not UTF-8; give it another one"), RunFolder(Path(name)).writing():
        pass


@pytest.mark.parametrize("content", [None, "", "{", "[1]"])
def test_a_file_that_a_run_needs_is_named_with_what_to_do(tmp_path, content):
    folder = RunFolder(tmp_path)
    if content is not None:
        folder.transforms.write_text(content)
    with pytest.raises(
        CheckpointError, match=r"transforms\.json: .*; bring it back from a copy of the run, or train again"
    ):
        folder.read(folder.transforms)
