"""Half a cosine."""

import pytest

from m5kit.schedules.cosine import CosineSchedule


def test_values_of_the_paper():
    assert [CosineSchedule().factor(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.5, 0.0])
    assert CosineSchedule().factor(0.25) == pytest.approx(0.5 + 0.5**1.5)
