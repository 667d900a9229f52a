"""The length of a run is told before it begins, and telling it changes nothing."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from m5kit.runs.random_state import random_state
from m5kit.training import forecast
from m5kit.training.forecast import readable, tell_length

SECONDS = 0.25


class Stub(nn.Module):
    """Draws random numbers and counts its steps, as dropout and running means do."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.register_buffer("steps", torch.zeros(()))


class Step:
    """Takes a quarter of a second by the clock of the test."""

    def __init__(self, model, optimizer, clip, precision, seed):
        self.model = model

    def __call__(self, batches):
        torch.rand(3)
        with torch.no_grad():
            self.model.weight += 1
            self.model.steps += 1
        Clock.now += SECONDS


class Clock:
    now = 0.0


@pytest.fixture
def told(monkeypatch):
    """The forecast for a run, and the model that it was made for."""
    monkeypatch.setattr(forecast, "TrainStep", Step)
    monkeypatch.setattr(forecast, "build_optimizer", lambda *_: None)
    monkeypatch.setattr(forecast, "perf_counter", lambda: Clock.now)
    model = Stub()
    loader = SimpleNamespace(batch_sampler=[list(range(32))], dataset=list(range(64)), collate_fn=list)

    def tell(max_steps=8000, minutes=None):
        schedule = SimpleNamespace(
            max_steps=max_steps, minutes=minutes, lr=1.0, weight_decay=0.0, clip=None, batch_size=32, accumulate=2
        )
        data = SimpleNamespace(workers=0, item_seconds=5.0)
        config = SimpleNamespace(schedule=schedule, data=data, optimizer={}, rates={}, seed=0, plugins=None)
        return tell_length(config, model, loader, "fp32", max_steps)

    monkeypatch.setattr(forecast, "in_use", lambda scope: torch.no_grad())
    return tell, model


def test_a_long_run_is_told_with_shorter_ways(told):
    seconds, text = told[0]()
    assert seconds == pytest.approx(1.0)  # 0.25 s for 16 items, of which a step has 64
    assert text == (
        "about 2 h 13 min on this machine: 8000 steps of 1.00 s, from 2 trial steps on a copy of the model; "
        "shorter: --set schedule.minutes=30, or the config products/small"
    )
    assert told[0](max_steps=600)[1].startswith("about 10 min on this machine: 600 steps of 1.00 s")
    assert "shorter" not in told[0](max_steps=600)[1]


def test_nothing_is_told_where_the_length_is_known_or_short(told):
    assert told[0](minutes=10.0) is None
    assert told[0](max_steps=99) is None


def test_neither_the_model_nor_the_random_states_are_changed(told):
    tell, model = told
    before = random_state()
    tell()
    assert model.weight.tolist() == [1.0, 1.0]
    assert model.steps == 0
    after = random_state()
    assert before[1] == after[1]
    assert all(torch.equal(state, after[0][name]) for name, state in before[0].items())


def test_a_part_that_cannot_be_copied_does_not_stop_the_run(told):
    tell, model = told
    model.handle = (each for each in ())  # a generator has no copy
    assert tell() is None


def test_durations_are_read_easily():
    assert [readable(seconds) for seconds in (20, 5400, 7260)] == ["1 min", "90 min", "2 h 01 min"]
