"""Given features as they enter an encoder."""

import numpy as np
import pytest

from m5kit.data.decode.features import Features
from m5kit.data.transforms.features import FeaturesTransform
from m5kit.errors import ConfigError, DecodeError

GIVEN = Features(np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 1.0]], np.float32), np.full((3, 5), 0.5, np.float32))


def test_what_is_over_the_number_is_cut_off_at_the_end():
    assert FeaturesTransform(width=2, max_tokens=2)(GIVEN).values.tolist() == [[3.0, 4.0], [0.0, 2.0]]


def test_boxes_follow_the_features_and_are_not_scaled():
    values = FeaturesTransform(width=2, max_tokens=1, boxes=True, scale="length")(GIVEN).values
    np.testing.assert_allclose(values, [[0.6, 0.8, 0.5, 0.5, 0.5, 0.5, 0.5]], rtol=1e-6)


def test_variance_is_that_of_each_token():
    values = FeaturesTransform(width=2, max_tokens=3, scale="variance")(GIVEN).values
    np.testing.assert_allclose(values, [[-1, 1], [-1, 1], [0, 0]], atol=1e-6)


def test_across_evens_out_each_number_over_the_tokens():
    values = FeaturesTransform(width=2, max_tokens=3, scale="across")(GIVEN).values.numpy()
    np.testing.assert_allclose(values.mean(0), [0, 0], atol=1e-6)
    np.testing.assert_allclose(values.std(0), [1, 1], atol=1e-6)


def test_of_too_many_tokens_even_takes_some_from_everywhere():
    many = Features(np.arange(9, dtype=np.float32)[:, None], np.arange(45, dtype=np.float32).reshape(9, 5))
    chosen = FeaturesTransform(width=1, max_tokens=3, choose="even", boxes=True)(many).values
    assert chosen[:, 0].tolist() == [1, 4, 7]
    assert chosen[:, 1].tolist() == [5, 20, 35]
    assert FeaturesTransform(width=1, max_tokens=9, choose="even")(many).values[:, 0].tolist() == list(range(9))


def test_a_missing_item_is_as_many_zeros_as_there_may_be_tokens():
    transform = FeaturesTransform(width=2, max_tokens=3, boxes=True)
    assert transform.blank().values.shape == (3, 7)
    assert transform.provides() == {"width": 2, "max_tokens": 3, "boxes": 5}


def test_what_does_not_fit_is_refused():
    with pytest.raises(DecodeError, match=r"features of 2 numbers a token, expected transform.width=3"):
        FeaturesTransform(width=3, max_tokens=2)(GIVEN)
    with pytest.raises(DecodeError, match="features without boxes"):
        FeaturesTransform(width=2, max_tokens=2, boxes=True)(Features(GIVEN.values))
    with pytest.raises(DecodeError, match=r"3 features, expected at least transform\.min_tokens=4"):
        FeaturesTransform(width=2, max_tokens=4, min_tokens=4)(GIVEN)
    with pytest.raises(ConfigError, match="min_tokens 3 is over max_tokens 2"):
        FeaturesTransform(width=2, max_tokens=2, min_tokens=3)
    with pytest.raises(ConfigError, match="expected width and max_tokens of at least 1"):
        FeaturesTransform(width=0, max_tokens=2)
