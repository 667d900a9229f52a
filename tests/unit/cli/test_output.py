"""Tables: plain where nobody looks, drawn on a terminal."""

import json
import sys

import pytest

from m5kit.cli.output import write_json, write_table


def test_a_table_is_aligned_text_when_it_is_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(["name", "n"], [["long name", 1], ["x", 22]])
    assert capsys.readouterr().out == "name       n\nlong name  1\nx          22\n"


def test_a_table_is_drawn_on_a_terminal_and_brackets_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    write_table(["name"], [["tuple[int, [b]]"]])
    shown = capsys.readouterr().out
    assert "tuple[int, [b]]" in shown
    assert "─" in shown


def test_json_is_valid_whatever_it_holds_and_whatever_the_terminal_can_show(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = {"nan": float("nan"), "some": [float("inf"), 1.5], "del\x7f\x85": "杯\ud83d\x1b"}
    write_json(value)
    printed = capsys.readouterr().out
    assert printed.isascii()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(printed, parse_constant=refuse) == {**value, "nan": None, "some": [None, 1.5]}
