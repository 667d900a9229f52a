import pytest

from m5kit.data.json_values import parse_json


def test_half_characters_are_dropped_and_whole_ones_stay():
    assert parse_json('{"k\\ud83d": ["cut \\ud83d", "\\ud83d\\ude00"], "n": 3}') == {"k": ["cut ", "😀"], "n": 3}
    assert parse_json(b'"caf\\u00e9 \\ud800b"') == "café b"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5_000, "{", ""])
def test_what_cannot_be_read_is_one_kind_of_error(text):
    with pytest.raises(ValueError, match=r"deep|digit|line 1"):
        parse_json(text)


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 3}', '{"c": [{"b": {"a": 1, "a": 1}}]}'])
def test_a_key_that_is_given_twice_is_refused(text):
    with pytest.raises(ValueError, match="the key 'a' is given twice"):
        parse_json(text)


def test_names_stay_apart():
    row = parse_json('{"id": "a\\ud800", "text": "b\\ud800", "labels": {"c": "\\udc00"}}', ("id", "labels"))
    assert row == {"id": "a\\ud800", "text": "b", "labels": {"c": "\\udc00"}}


def test_a_number_that_is_too_long_is_told_in_our_words():
    with pytest.raises(ValueError, match=r"^it holds a whole number of more than 4,300 digits$"):
        parse_json('{"a": ' + "9" * 5_000 + "}")
