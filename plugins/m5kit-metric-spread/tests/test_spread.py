import numpy as np
import pytest
from m5kit_metric_spread import Spread

from m5kit.api import DataError, Embedded
from m5kit.testing import check_metric


def test_it_keeps_the_contract():
    assert check_metric(Spread).ran == 9


def figures(vectors, labels):
    metric = Spread(split="test", label="kind")
    items = Embedded(np.array([str(i) for i in range(len(vectors))]), np.array(vectors), {"kind": np.array(labels)})
    return metric.compute({metric.request: items}, seed=0)


def test_four_corners_of_a_square():
    found = figures([[1, 0], [2, 0], [0, 1], [0, 5]], ["x", "x", "y", "y"])
    assert found["alignment"].value == 0
    assert found["alignment"].chance == pytest.approx(4 / 3)  # of 6 pairs, 2 are 0 apart and 4 are 2
    assert found["uniformity"].value == pytest.approx(np.log((1 + 2 * np.exp(-4)) / 3))


def test_classes_of_one_item_are_no_classes():
    with pytest.raises(DataError, match="no two items of split 'test' share a 'kind'"):
        figures([[1, 0], [0, 1]], ["x", "y"])
