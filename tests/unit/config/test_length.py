"""The length of a run in steps, of steps, passes over the items and minutes."""

import math

import pytest

from m5kit.config.length import length, most_steps
from m5kit.config.sections import Schedule


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"max_steps": 50}, 50),
        ({"max_steps": 50, "epochs": 4}, 40),
        ({"max_steps": 30, "epochs": 4}, 30),
        ({"max_steps": 50, "epochs": 4, "accumulate": 2}, 20),
        ({"max_steps": 50, "epochs": 0.25}, 3),  # a pass that is begun is a step more
        ({"max_steps": 50, "minutes": 10}, math.inf),
        ({"max_steps": 30, "minutes": 10, "epochs": 4}, 40),
    ],
)
def test_what_comes_first_ends_a_run(schedule, expected):
    assert most_steps(Schedule(batch_size=10, **schedule), 100) == expected


def test_what_a_user_reads_names_both_ends():
    assert length(Schedule(minutes=10), 100) == "10 minutes in steps"
    assert length(Schedule(minutes=1, epochs=4, batch_size=10), 100) == "1 minute in steps (at most 40)"
