"""Failures of all processes count together, and end all of them."""

import json

import torch

from m5kit.data.failures import FailureLog
from m5kit.errors import DataError
from m5kit.structures import Batch, Failure
from m5kit.training.callbacks.base import StepData, TrainState
from m5kit.training.callbacks.failures import FailuresCallback


def batch(rank, step, fails):
    """Two items of which the second fails on one of the processes."""
    ids = (f"good {rank} {step}", f"bad {rank} {step}")
    present = torch.tensor([[True], [not fails]])
    return Batch(ids, ("x",), present, {}, failures=(Failure(ids[1], "x", "torn"),) if fails else ())


def count(group, path, share):
    log = FailureLog(path if group.first else None, share, minimum=4)
    callback, state = FailuresCallback(log, group, every_steps=2), TrainState(None, None, max_steps=4)
    try:
        for step in range(3):
            state.step = step + 1
            callback.after_step(state, StepData(step, (batch(group.rank, step, group.rank == 1),)), {})
        callback.after_train(state)
    except DataError as error:
        return state.step, str(error).splitlines()[0]
    return log.summary()


def test_everybody_counts_for_all(on_ranks, tmp_path):
    path = tmp_path / "failures.jsonl"
    assert on_ranks(2, count, path, 0.5) == [{"x": {"attempts": 12, "failed": 3}}] * 2
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [f"bad 1 {step}" for step in range(3)]


def test_too_many_end_all_at_the_same_step(on_ranks, tmp_path):
    ended = on_ranks(2, count, tmp_path / "failures.jsonl", 0.2)
    assert ended[0] == ended[1]
    assert ended[0][0] == 2
    assert ended[0][1].startswith("2 of 8 x items could not be decoded")
