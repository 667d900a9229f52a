"""A checkpoint gives back every bit, is whole or absent, and says what is wrong with it."""

import errno
import json
import os
import random

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from torch import nn
from torch.optim import AdamW

from m5kit.errors import CheckpointError
from m5kit.runs import checkpoint


def _trained(steps: int = 3) -> tuple[nn.Module, AdamW]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = AdamW(model.parameters(), lr=0.1)
    for _ in range(steps):
        _step(model, optimizer)
    return model, optimizer


def _step(model: nn.Module, optimizer: AdamW) -> None:
    model(torch.ones(2, 4)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def _draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.rand()), random.random()


def test_training_goes_on_to_the_same_bits(tmp_path):
    model, optimizer = _trained()
    path = checkpoint.save(tmp_path, 3, model, optimizer, keep=2)
    _step(model, optimizer)
    expected = [p.clone() for p in model.parameters()]

    other, other_optimizer = _trained(steps=1)
    assert checkpoint.restore(path, other, other_optimizer) == 3
    _step(other, other_optimizer)
    assert all(torch.equal(a, b) for a, b in zip(expected, other.parameters(), strict=True))


def test_every_random_state_comes_back(tmp_path):
    model, optimizer = _trained()
    path = checkpoint.save(tmp_path, 3, model, optimizer, keep=1)
    expected = _draws()
    _draws()
    checkpoint.restore(path, model, optimizer)
    assert _draws() == expected


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o007, 0o660), (0o077, 0o600)])
def test_whom_the_umask_allows_may_read_every_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        path = checkpoint.save(tmp_path, 3, *_trained(), keep=1)
    finally:
        os.umask(before)
    assert {file.name: file.stat().st_mode & 0o777 for file in path.iterdir()} == dict.fromkeys(
        ["model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json", "checksums.json"], mode
    )


def test_only_the_newest_are_kept(tmp_path):
    model, optimizer = _trained()
    for step in (5, 10, 100):
        checkpoint.save(tmp_path, step, model, optimizer, keep=2)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step_0000010", "step_0000100"]
    assert checkpoint.latest(tmp_path).name == "step_0000100"


def test_a_half_written_checkpoint_is_not_found(tmp_path):
    model, optimizer = _trained()
    checkpoint.save(tmp_path, 5, model, optimizer, keep=2)
    (tmp_path / ".step_0000006.partial").mkdir()
    assert checkpoint.latest(tmp_path).name == "step_0000005"


def test_nothing_is_pickled(tmp_path):
    path = checkpoint.save(tmp_path, 1, *_trained(), keep=1)
    assert sorted({file.suffix for file in path.iterdir()}) == [".json", ".safetensors"]
    assert json.loads((path / "state.json").read_text())["step"] == 1


def test_another_model_is_refused_by_name(tmp_path):
    path = checkpoint.save(tmp_path, 1, *_trained(), keep=1)
    with pytest.raises(CheckpointError, match=r"made by another model \(4 differences\)") as caught:
        checkpoint.load_weights(path, nn.Sequential(nn.Linear(4, 9)))
    assert "0.weight is (8, 4) there and (9, 4) here" in str(caught.value)
    assert "2.bias is unknown to the model" in str(caught.value)


class _Kept:
    """A hook with a tensor and a number."""

    def __init__(self, **state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = dict(state)


def test_the_state_of_hooks_comes_back(tmp_path):
    model, optimizer = _trained()
    one, other = _Kept(mean=torch.ones(2), best=0.5), _Kept(waited=3)
    path = checkpoint.save(tmp_path, 3, model, optimizer, keep=2, hooks={"one": one, "other": other})
    new = {"one": _Kept(), "other": _Kept()}
    checkpoint.restore(path, model, optimizer, new)
    assert new["one"].state == {"best": 0.5, "mean": new["one"].state["mean"]}
    assert new["one"].state["mean"].tolist() == [1, 1]
    assert new["other"].state == {"waited": 3}


def test_weights_that_a_hook_offers_are_loaded_but_training_goes_on_with_its_own(tmp_path):
    model, optimizer = _trained()
    offered = {f"weights.{name}": torch.full_like(value, 7) for name, value in model.state_dict().items()}
    hooks = {"ema": _Kept(**offered)}
    path = checkpoint.save(tmp_path, 3, model, optimizer, keep=2, hooks=hooks)
    trained = [p.clone() for p in model.parameters()]
    checkpoint.load_weights(path, model)
    assert all((p == 7).all() for p in model.parameters())
    checkpoint.restore(path, model, optimizer, hooks)
    assert all(torch.equal(a, b) for a, b in zip(trained, model.parameters(), strict=True))


def test_a_damaged_file_is_named(tmp_path):
    model, optimizer = _trained()
    path = checkpoint.save(tmp_path, 1, model, optimizer, keep=1)
    (path / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(CheckpointError, match=r"cannot read .*model\.safetensors.*use an earlier checkpoint"):
        checkpoint.restore(path, model, optimizer)


def test_a_part_of_a_model_can_be_loaded(tmp_path):
    model, optimizer = _trained()
    path = checkpoint.save(tmp_path, 1, model, optimizer, keep=1)
    part = nn.Linear(4, 8)
    checkpoint.load_weights(path, part, prefix="0.")
    assert torch.equal(part.weight, model[0].weight)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model, optimizer = _trained()
    with torch.no_grad():
        model[0].bias[0] = torch.inf
    with pytest.raises(CheckpointError, match=r"0\.bias is not finite after step 3, so nothing was saved"):
        checkpoint.save(tmp_path, 3, model, optimizer, keep=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left"), "no space left on device; make room there, then go on with --resume$"),
        (
            SafetensorError("I/O error: x (os error 27)"),
            r"file too large; allow larger files \(ulimit -f\), then go",
        ),
        (SafetensorError("what no one knows"), "what no one knows$"),
    ],
)
def test_a_full_disk_leaves_nothing_half_written_and_is_told(error, said, tmp_path, monkeypatch):
    model, optimizer = _trained()
    checkpoint.save(tmp_path, 1, model, optimizer, keep=2)

    def full(tensors, path):
        raise error

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(CheckpointError, match=rf"cannot write the checkpoint .*step_0000002: {said}"):
        checkpoint.save(tmp_path, 2, model, optimizer, keep=2)
    assert [path.name for path in tmp_path.iterdir()] == ["step_0000001"]


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(tmp_path, caplog):
    model, optimizer = _trained()
    for step in (1, 2):
        checkpoint.save(tmp_path, step, model, optimizer, keep=2)
    (tmp_path / "step_0000002" / "random.safetensors").write_bytes(b"")
    assert checkpoint.latest(tmp_path).name == "step_0000001"
    assert "step_0000002 is damaged: random.safetensors is not as it was written" in caplog.text
    (tmp_path / "step_0000001" / "state.json").write_text("")
    caplog.clear()
    with pytest.raises(
        CheckpointError, match=r"every checkpoint in .* is damaged, step_0000001: state\.json is not as"
    ):
        checkpoint.latest(tmp_path)
    assert "step_0000001" not in caplog.text  # there is none before it that could be used
