"""``m5kit show``: arguments, defaults and documentation of one part."""

import pytest

from m5kit.cli import main
from m5kit.registry import FUSIONS


class Shown:
    """Mixes by hand.

    Args:
        dim: width.
    """

    filled_in = frozenset({"dim"})

    def __init__(self, *, dim: int, needed: str, heads: int = 2) -> None:
        pass


def test_a_part_is_shown_with_what_each_argument_is_when_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with FUSIONS.temporarily("shown", Shown):
        assert main(["show", "fusion", "shown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("shown (fusion): ")
    assert lines[0].endswith("Shown")
    assert [line.split() for line in lines[3:6]] == [
        ["dim", "int", "filled", "in"],
        ["needed", "str", "required"],
        ["heads", "int", "2"],
    ]
    assert lines[7:] == ["Mixes by hand.", "", "Args:", "    dim: width."]


def test_an_unknown_part_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "harmonizers", "grph"]) == 2
    assert "no harmonizer is named 'grph'; did you mean 'graph'?" in capsys.readouterr().err
