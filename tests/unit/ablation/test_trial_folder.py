"""Status files are whole at any moment, and damage is told."""

import fcntl

import pytest

from m5kit.ablation.trial_folder import Status, TrialFolder, read, write
from m5kit.errors import CheckpointError


def test_a_status_is_kept_and_replaced_whole(tmp_path):
    folder = TrialFolder(tmp_path / "trial")
    assert folder.status == Status("queued")
    folder.set_status(Status("running"))
    folder.set_status(Status("done", None, 1.5, 10, 20))
    assert folder.status == Status("done", None, 1.5, 10, 20)
    assert [path.name for path in folder.path.iterdir()] == ["status.json"]


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "status.json").write_text('{"state": ')
    with pytest.raises(
        CheckpointError, match=r"cannot read .*status\.json: .*remove its folder to run that trial again"
    ):
        _ = TrialFolder(tmp_path).status


def test_a_write_that_was_cut_off_leaves_the_old_file(tmp_path):
    write(tmp_path / "a.json", {"a": 1})
    (tmp_path / ".a.json.partial").write_text('{"a"')
    assert read(tmp_path / "a.json") == {"a": 1}
    write(tmp_path / "a.json", {"a": 2})
    assert read(tmp_path / "a.json") == {"a": 2}


def test_a_held_trial_keeps_others_out(tmp_path):
    with TrialFolder(tmp_path).locked(), (tmp_path / "lock").open("wb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
