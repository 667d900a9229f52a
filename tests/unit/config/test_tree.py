"""How two configs merge."""

from typing import Any

import pytest

from m5kit.config.tree import from_plain, merge, origins, to_plain


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": {"_replace_": True, "y": 2}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": {"_replace_": False, "y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({}, {"a": {"_replace_": True, "y": {"_replace_": True}}}, {"a": {"y": {}}}),
        ({"a": {"type": "p", "x": 1}}, {"a": {"type": "q"}}, {"a": {"type": "q"}}),
        ({"a": {"type": "p", "x": 1}}, {"a": {"type": "p", "y": 1}}, {"a": {"type": "p", "x": 1, "y": 1}}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ],
)
def test_merge(base: Any, over: Any, merged: Any) -> None:
    assert to_plain(merge(from_plain(base, "b"), from_plain(over, "o"))) == merged


def test_each_value_keeps_the_origin_of_who_wrote_it_last() -> None:
    merged = merge(from_plain({"a": {"x": 1, "y": 2}}, "base"), from_plain({"a": {"y": 3}}, "leaf"))
    assert dict(origins(merged)) == {"a": "leaf", "a.x": "base", "a.y": "leaf"}
