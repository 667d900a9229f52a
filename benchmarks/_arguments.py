"""What benchmarks take on the command line: numbers with a bound, names of a list, and a config over items."""

import argparse
import math
from collections.abc import Callable, Collection, Sequence

from m5kit.errors import UsageError


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number of at least ``least``."""

    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        return value

    return whole


def duration(text: str) -> float:
    """The type of an option that takes a time above zero."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value


def one_of(known: Collection[str]) -> Callable[[str], str]:
    """The type of an argument that takes a name of a list; ``choices`` of argparse do not go with ``nargs="*"``."""

    def name(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"there is no {text!r}; there are: {', '.join(known)}")
        return text

    return name


def some_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """The type of an option that takes names of a list with commas between them."""
    return lambda text: list(map(one_of(known), text.split(",")))


def check_depth(option: str, depth: int, items: int) -> None:
    """See that as many neighbours as are asked for can be found.

    Raises:
        UsageError: there are fewer items.
    """
    if depth > items:
        raise UsageError([f"{option}: expected at most the {items} of --items, got {depth}"])


def check_batches(config: str, overrides: Sequence[str], data: str, batch: int) -> None:
    """See that batches of so many items can be made, before other processes try.

    Raises:
        M5KitError: the config or the items have mistakes, or there are fewer items.
    """
    from m5kit.assembly.data import RunData
    from m5kit.config import check_config, load_config

    changes = ["data.workers=0", f"schedule.batch_size={batch}", *overrides]
    RunData.fitted(check_config(load_config(config, changes, data))).train_loader()
