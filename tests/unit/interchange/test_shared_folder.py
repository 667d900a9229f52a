"""A folder to share: what is needed to use a run, and nothing else."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import m5kit
from m5kit.cli import main
from m5kit.errors import CheckpointError
from m5kit.interchange.shared_folder import share_run


@pytest.fixture(scope="module")
def shared(run, tmp_path_factory):
    return share_run(run, tmp_path_factory.mktemp("shared") / "shop")


def test_a_shared_run_gives_the_same_bits(run, shared, items):
    assert np.array_equal(m5kit.load(shared).embed(items), run.embed(items))


def test_a_shared_run_is_neither_unfinished_nor_changed(shared, caplog):
    caplog.clear()
    opened = m5kit.load(shared).trained
    assert opened.unfinished is None
    assert [record.message for record in caplog.records if "is not as it was" in record.message] == []


def test_a_shared_run_has_no_state_of_an_optimizer_and_no_place_of_this_machine(shared, demo):
    files = {path.relative_to(shared).as_posix() for path in shared.rglob("*") if path.is_file()}
    [optimizer] = shared.rglob("optimizer.safetensors")
    assert load_file(optimizer) == {}
    for name in files:
        assert str(demo).encode() not in (shared / name).read_bytes(), name
        assert str(shared.parent).encode() not in (shared / name).read_bytes(), name


def test_a_run_is_shared_as_the_same_bytes_whatever_was_drawn_before(run, shared, tmp_path):
    drawn = np.random.random(), torch.rand(1)
    again = share_run(run, tmp_path / "shop")
    files = [path.relative_to(shared) for path in shared.rglob("*") if path.is_file()]
    assert {name for name in files if (again / name).read_bytes() != (shared / name).read_bytes()} == set(), drawn


def test_a_fine_tuned_run_predicts_as_before(classifier_folder, tmp_path, items):
    run = m5kit.load(classifier_folder)
    shared = m5kit.load(share_run(run, tmp_path / "shared"))
    assert shared.predict(items[:4]) == run.predict(items[:4])


def test_a_folder_that_holds_something_is_left_alone(run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="is not empty; name a new folder"):
        share_run(run, tmp_path)
    with pytest.raises(CheckpointError, match="is no folder"):
        share_run(run, tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_export_that_fails_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr("m5kit.interchange.shared_folder.model_card", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        share_run(run, tmp_path / "shop")
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_folder_with_a_card(run_folder, tmp_path, capsys):
    assert main(["export", str(run_folder), "--out", str(tmp_path / "shop")]) == 0
    assert "read README.md there before you share it" in capsys.readouterr().out
    assert (tmp_path / "shop" / "README.md").exists()
    assert main(["export", str(run_folder), "--out", str(tmp_path / "shop")]) == 2


@pytest.mark.parametrize("name", ["classes.json", "pretrained/config.json"])
def test_no_private_file_is_copied_through_a_link_of_a_run_folder(shared, tmp_path, name):
    private, run = tmp_path / "private.json", tmp_path / "run"
    private.write_text("{}\n")  # as the run has it
    shutil.copytree(shared, run)
    (run / name).unlink(missing_ok=True)
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).symlink_to(private)
    with pytest.raises(CheckpointError, match=f"{name}: no link is copied into a folder to share"):
        share_run(m5kit.load(run), tmp_path / "out")
    assert not (tmp_path / "out").exists()
