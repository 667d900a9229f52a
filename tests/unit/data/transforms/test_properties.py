import json
import re

import numpy as np
import pytest

from m5kit.data.decode._words import written
from m5kit.data.transforms.properties import PropertiesTransform
from m5kit.errors import ConfigError

TABLE = {"colour": "red", "net_weight": 1.50}
CORPUS = [TABLE, {"colour": "blue", "颜色": "红"}, {"sizes": [38, 39]}] * 8


def learned(**arguments):
    transform = PropertiesTransform(**{"max_tokens": 20, "vocabulary": 90, **arguments})
    transform.fit(CORPUS)
    return transform


def words(transform, inputs):
    return [transform.words.tokenizer.id_to_token(number) for number in inputs.values.tolist()]


def rows(transform, table):
    inputs = transform(table)
    return list(zip(words(transform, inputs), *(inputs.extras[k].tolist() for k in ("groups", "roles")), strict=True))


def test_ids_know_their_pair_and_their_part():
    assert rows(learned(), TABLE) == [
        ("▁colour", 0, 1),
        ("▁:", 0, 0),
        ("▁red", 0, 2),
        ("▁;", 0, 0),
        ("▁net", 1, 1),
        ("▁weight", 1, 1),
        ("▁:", 1, 0),
        ("▁1", 1, 2),
        ("▁.", 1, 2),
        ("▁5", 1, 2),
        ("▁;", 1, 0),
    ]


def test_without_separators_only_keys_and_values_are_left():
    assert rows(learned(separator="none"), {"colour": "red", "颜色": "红"}) == [
        ("▁colour", 0, 1),
        ("▁red", 0, 2),
        ("▁颜", 1, 1),
        ("▁色", 1, 1),
        ("▁红", 1, 2),
    ]


def test_only_whole_pairs_are_kept():
    assert [group for _, group, _ in rows(learned(max_tokens=10), TABLE)] == [0] * 4
    assert [group for _, group, _ in rows(learned(max_tokens=11), TABLE)] == [0] * 4 + [1] * 7
    assert [group for _, group, _ in rows(learned(max_tokens=4), TABLE)] == [0] * 4


def test_a_first_pair_that_is_too_long_is_cut():
    assert rows(learned(max_tokens=3), TABLE) == [("▁colour", 0, 1), ("▁:", 0, 0), ("▁red", 0, 2)]


def test_in_training_whole_pairs_change_places():
    transform = learned(separator="none")
    table = {"colour": "red", "sizes": 38, "net": 1}
    orders = set()
    for seed in range(20):
        inputs = transform(table, np.random.default_rng(seed))
        assert inputs.extras["groups"].tolist() == [0, 0, 1, 1, 2, 2]
        orders.add(tuple(words(transform, inputs)))
    assert len(orders) == 6
    pairs = {("▁colour", "▁red"), ("▁sizes", "▁38"), ("▁net", "▁1")}
    assert all({order[:2], order[2:4], order[4:]} == pairs for order in orders)


def test_order_is_kept_outside_training_and_where_asked():
    table = {"colour": "red", "sizes": 38, "net": 1}
    still = learned(shuffle=False)
    kept = still(table).values.tolist()
    assert all(still(table, np.random.default_rng(seed)).values.tolist() == kept for seed in range(5))
    before = dict(table)
    learned()(table, np.random.default_rng(0))
    assert list(table.items()) == list(before.items())


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.50, "1.5"), (1e-7, "1e-07"), (180, "180"), (False, "no"), ([1, True, "x"], "1 , yes , x"), ("红", "红")],
)
def test_values_as_words(value, expected):
    assert written(value) == expected


def test_a_table_in_which_no_word_is_left_is_one_unknown_token_outside_pairs():
    inputs = learned(separator="none")({"\u200b": "\u200b"})
    assert (inputs.values.tolist(), inputs.extras["groups"].tolist(), inputs.extras["roles"].tolist()) == (
        [1],
        [-1],
        [0],
    )


def test_an_unknown_separator_is_a_mistake_of_the_config():
    message = "properties.separator: expected punctuation or none, got 'comma'"
    with pytest.raises(ConfigError, match=re.escape(message)):
        PropertiesTransform(max_tokens=8, separator="comma")


def test_what_was_learned_survives_as_json():
    transform, other = learned(), PropertiesTransform(max_tokens=20, vocabulary=90)
    other.load_state(json.loads(json.dumps(transform.state())))
    assert rows(other, TABLE) == rows(transform, TABLE)
    assert other.provides() == transform.provides()
    assert transform.provides()["mask_id"] == 2


def test_blank_is_padding_outside_pairs():
    blank = PropertiesTransform(max_tokens=3).blank()
    assert blank.values.tolist() == [0, 0, 0]
    assert blank.extras["groups"].tolist() == [-1, -1, -1]
