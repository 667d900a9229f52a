"""Status files are whole at any moment, and damage is told."""

import fcntl

import pytest

from m5kit.errors import CheckpointError
from m5kit.runs.sweep_folder import TrialFolder, TrialStatus


def test_a_status_is_kept_and_replaced_whole(tmp_path):
    folder = TrialFolder(tmp_path / "trial")
    assert folder.status == TrialStatus("queued")
    folder.set_status(TrialStatus("running"))
    folder.set_status(TrialStatus("done", None, 1.5, 10, 20))
    assert folder.status == TrialStatus("done", None, 1.5, 10, 20)
    assert [path.name for path in folder.path.iterdir()] == ["status.json"]


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "status.json").write_text('{"state": ')
    with pytest.raises(
        CheckpointError, match=r"cannot read .*status\.json: .*remove its folder to run that trial again"
    ):
        _ = TrialFolder(tmp_path).status


def test_a_held_trial_keeps_others_out(tmp_path):
    with TrialFolder(tmp_path).locked(), (tmp_path / "lock").open("wb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_run_knows_its_trial(tmp_path):
    trial = TrialFolder(tmp_path / "trial")
    assert TrialFolder.of_run(trial.run.path) is None
    trial.path.mkdir()
    trial.task.write_text("{}")
    assert TrialFolder.of_run(trial.run.path) == trial
    assert TrialFolder.of_run(tmp_path / "trial" / "other") is None


@pytest.mark.parametrize(
    "content", ["{}", '{"state": "lost"}', '{"state": "done", "seconds": "long"}', '{"status": 1}']
)
def test_a_damaged_status_is_named(tmp_path, content):
    (tmp_path / "status.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"status\.json holds no status: .*remove its folder"):
        _ = TrialFolder(tmp_path).status
