"""What the corpus teaches about columns."""

import numpy as np
import pytest

from m5kit.data.transforms.columns import FIRST, MICRO, NO_NUMBER, ColumnsTransform
from m5kit.errors import ConfigError

CORPUS = [{"weight": str(n), "colour": "Red", "note": n if n % 2 else "none"} for n in range(1, 10)]


@pytest.fixture
def columns():
    made = ColumnsTransform(max_tokens=4, known=2, hashed=3, buckets=16, bins=3)
    made.fit(CORPUS)
    return made


def test_numbers_are_binned_and_standardised(columns):
    inputs = columns({"weight": 5})
    assert inputs.values.tolist() == [FIRST + 16 + 1]
    assert inputs.extras["numbers"].tolist() == [0]
    spread = np.std(range(1, 10))
    assert columns({"weight": "9"}).extras["numbers"].tolist() == [round(4 / spread * MICRO)]
    assert columns({"weight": 1e9}).extras["numbers"].tolist() == [100 * MICRO]


def test_words_are_hashed_with_their_property_whatever_their_case(columns):
    red, other = columns({"colour": "red"}), columns({"hue": "red"})
    assert columns({"colour": "RED"}).values.tolist() == red.values.tolist()
    assert red.values.tolist() != other.values.tolist()
    assert red.extras["numbers"].tolist() == [NO_NUMBER]
    assert FIRST <= red.values.item() < FIRST + 16


def test_known_properties_have_ids_and_unseen_ones_share_some(columns):
    assert set(columns.keys.values()) == {1, 2}
    assert 3 <= columns({"never seen": "x"}).extras["columns"].item() < 1 + 2 + 3 == columns.provides()["columns"]


def test_a_property_that_is_often_no_number_is_one_of_words():
    made = ColumnsTransform(numeric=0.9)
    made.fit(CORPUS)
    assert set(made.scales) == {"weight"}
    lenient = ColumnsTransform(numeric=0.5)
    lenient.fit(CORPUS)
    assert set(lenient.scales) == {"weight", "note"}
    assert lenient({"note": "none"}).extras["numbers"].tolist() == [NO_NUMBER]


def test_a_list_is_several_values_of_one_property(columns):
    inputs = columns({"colour": ["red", "blue"], "weight": 2, "extra": [1, 2]})
    assert inputs.extras["groups"].tolist() == [0, 0, 1, 2]
    assert inputs.extras["roles"].tolist() == [2] * 4


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="columns: expected sizes of at least 1"):
        ColumnsTransform(bins=1)


@pytest.mark.parametrize("numbers", [[1e308] * 3, [1e308, -1e308, 3.0], [10**300, 2, 1]])
def test_numbers_whose_squares_are_infinite_leave_a_finite_scale(numbers):
    made = ColumnsTransform()
    made.fit([{"n": number} for number in numbers])
    assert np.isfinite([*made.scales["n"], *made.edges["n"]]).all()
    assert all(abs(made({"n": number}).extras["numbers"].item()) <= 100 * MICRO for number in numbers)
