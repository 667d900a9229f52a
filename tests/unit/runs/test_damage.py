"""Every kind of damage to a checkpoint is named, and the checkpoint before it is used."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import AdamW

from m5kit.errors import CheckpointError
from m5kit.runs import checkpoint
from m5kit.runs.checksums import CHECKSUMS, write_checksums
from m5kit.runs.damage import damage
from m5kit.runs.folder import RunFolder

FILES = ("model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json", CHECKSUMS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Checkpoints of the steps 1 and 2."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    torch.manual_seed(0)
    model = nn.Linear(8, 8)
    optimizer = AdamW(model.parameters())
    for step in (1, 2):
        model(torch.ones(2, 8)).square().sum().backward()
        optimizer.step()
        checkpoint.save(folder, step, model, optimizer, keep=2)
    return folder


def _lost(path):
    path.unlink()


def _emptied(path):
    path.write_bytes(b"")


def _cut(path):
    path.write_bytes(path.read_bytes()[:-7])


def _flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _made_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("harm", [_lost, _emptied, _cut, _flipped, _made_a_pipe])
def test_harm_to_a_file(written, tmp_path, caplog, file, harm):
    _falls_back(written, tmp_path, caplog, lambda last: harm(last / file))


def _state(last, **changes):
    state = json.loads((last / "state.json").read_text())
    state.update(changes)
    (last / "state.json").write_text(json.dumps({key: value for key, value in state.items() if value is not ...}))


def _nan(last, file, name=0):
    tensors = load_file(last / file)
    tensors[sorted(tensors)[name]].view(-1)[0] = float("nan")
    save_file(tensors, last / file)


@pytest.mark.parametrize(
    "harm",
    [
        lambda last: _nan(last, "model.safetensors"),
        lambda last: _nan(last, "optimizer.safetensors"),
        lambda last: _state(last, step=7),
        lambda last: _state(last, step="2"),
        lambda last: _state(last, optimizer=...),
        lambda last: _state(last, optimizer={}),
        lambda last: _state(last, random=[]),
        lambda last: (last / "state.json").write_text("[" * 100_000),
        lambda last: (last / "hooks.safetensors").write_bytes(b"\xff" * 64),
    ],
)
def test_what_is_wrong_though_its_checksums_are_right(written, tmp_path, caplog, harm):
    def change(last):
        harm(last)
        (last / CHECKSUMS).unlink()
        write_checksums(last)

    _falls_back(written, tmp_path, caplog, change)


@pytest.mark.parametrize("harm", [_lost, _flipped])
def test_a_run_is_used_by_its_weights_whatever_became_of_its_optimizer(written, tmp_path, harm):
    folder = RunFolder(tmp_path)
    shutil.copytree(written, folder.checkpoints)
    harm(folder.checkpoints / "step_0000002" / "optimizer.safetensors")
    assert checkpoint.to_use(folder).name == "step_0000002"
    assert checkpoint.latest(folder.checkpoints).name == "step_0000001"  # training cannot go on from it
    harm(folder.checkpoints / "step_0000002" / "model.safetensors")
    assert checkpoint.to_use(folder).name == "step_0000001"


def test_a_checkpoint_that_is_no_folder(written, tmp_path, caplog):
    def change(last):
        shutil.rmtree(last)
        last.write_text("")

    _falls_back(written, tmp_path, caplog, change)


def _falls_back(written, tmp_path, caplog, change):
    folder = tmp_path / "checkpoints"
    shutil.copytree(written, folder)
    change(folder / "step_0000002")
    assert checkpoint.latest(folder) == folder / "step_0000001"
    assert "step_0000002 is damaged: " in caplog.text


def test_a_checkpoint_of_another_run_is_named(tmp_path):
    model = nn.Linear(2, 2)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"seed: {ord(name)}\n")
        checkpoint.save(tmp_path / name / "checkpoints", 2, model, torch.optim.SGD(model.parameters()), keep=1)
    (tmp_path / "a" / "checkpoints" / "step_0000002").rename(tmp_path / "b" / "checkpoints" / "step_0000001")
    found = [damage(path) for path in sorted((tmp_path / "b" / "checkpoints").iterdir())]
    assert found == [
        "it is of another run, with another seed, other parts, or transforms that learned something else; or "
        "config.yaml, transforms.json or classes.json was changed since",
        None,
    ]


def test_a_mask_in_a_buffer_may_hold_infinities(tmp_path):
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    saved = checkpoint.save(tmp_path, 1, model, AdamW(model.parameters()), keep=1)
    assert damage(saved) is None


def test_a_state_of_another_optimizer_is_named(written):
    model = nn.Linear(8, 8)
    other = torch.optim.SGD([{"params": [model.weight]}, {"params": [model.bias]}], lr=1.0)
    with pytest.raises(CheckpointError, match="step_0000002: the state of the optimizer does not fit"):
        checkpoint.restore(written / "step_0000002", model, other)


def test_a_state_of_the_optimizer_that_is_not_finite_is_not_saved(tmp_path):
    model = nn.Linear(2, 2)
    optimizer = AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer.state[model.weight]["exp_avg_sq"][0, 0] = float("inf")
    with pytest.raises(CheckpointError, match=r"the optimizer's 0.exp_avg_sq is not finite after step 1, so nothing"):
        checkpoint.save(tmp_path, 1, model, optimizer, keep=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "optimizer.safetensors"])
def test_a_checkpoint_that_may_not_be_read_is_no_damage_and_the_one_before_does_not_take_its_place(
    name, written, monkeypatch
):
    """A run that went on from the one before would write over the newer one."""
    hidden, method = written / "step_0000002" / name, "open" if name else "iterdir"
    allowed = getattr(Path, method)

    def refused(path, *arguments, **options):
        if path == hidden:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return allowed(path, *arguments, **options)

    monkeypatch.setattr(Path, method, refused)
    with pytest.raises(CheckpointError, match=r"cannot read .*step_0000002.*: permission denied; see who may read it"):
        checkpoint.latest(written)
    if name:
        assert checkpoint.latest(written, (name,)).name == "step_0000002"
