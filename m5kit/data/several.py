"""A modality of an item may have several values: pictures of a product from several sides, titles in several words.

A manifest gives them as a list. Whatever opens, counts or names the values of an item asks for them here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")


def each_value(value: Any) -> tuple[Any, ...]:
    """The values of a modality one by one; a single one alone.

    A list of numbers, of lists or of tables is itself one value, which a decoder reads as a whole.

    Example:
        >>> each_value(["a.jpg", "b.jpg"]), each_value("a.jpg"), each_value([0.5, 1.0])
        (('a.jpg', 'b.jpg'), ('a.jpg',), ([0.5, 1.0],))
    """
    if not isinstance(value, list) or not value:
        return (value,)
    if any(part is None or isinstance(part, int | float | list | Mapping) for part in value):
        return (value,)
    return tuple(value)


def single_if_alone(values: Sequence[Any]) -> Any:
    """One value as it is, several as a list: what a manifest holds."""
    return values[0] if len(values) == 1 else list(values)


def passes(values: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    """So many mappings with one value of each modality that every value comes.

    Where modalities have unlike numbers of values, those of the shorter ones come again in turn.

    Example:
        >>> passes({"image": ["front", "back"], "text": ["mug"]})
        [{'image': 'front', 'text': 'mug'}, {'image': 'back', 'text': 'mug'}]
    """
    count = max(map(len, values.values()), default=1)
    return [_pass(values, number) for number in range(count)]


def _pass(values: Mapping[str, Sequence[Value]], number: int) -> dict[str, Value]:
    return {name: several[number % len(several)] for name, several in values.items()}
