"""Sizes of vectors that ``m5kit evaluate`` compares."""

import json

import pytest

from m5kit.cli import evaluate, main


def test_a_row_a_size(run_folder, capsys):
    words = ["evaluate", str(run_folder), "--widths", "16,8", "--precisions", "int8,binary", "--metrics", "clustering"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["width", "precision", "bytes"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["whole", "float32"],
        *(["16", "int8"], ["16", "binary"], ["8", "int8"], ["8", "binary"]),
    ]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["bytes"] for each in found[1:]] == [16, 2, 8, 1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--widths", "a,8"], "--widths: expected whole numbers such as 64,128; got a"),
        (["--precisions", "int8"], "widths: give the widths to compare, such as --widths 64,128"),
        (["--widths", "12", "--precisions", "binary"], "expected a multiple of 8, got 12"),
        (["--widths", "8", "--all-subsets"], "--all-subsets: not together with --widths"),
    ],
)
def test_wrong_sizes_are_told_before_the_run_is_opened(words, told, capsys):
    assert main(["evaluate", "no/run", *words]) == 2
    assert told in capsys.readouterr().err


def test_the_values_of_a_run_that_may_not_be_written_are_shown(run_folder, capsys, monkeypatch):
    results = run_folder / "results.json"
    before = results.read_bytes() if results.exists() else None
    monkeypatch.setattr(evaluate.os, "access", lambda path, mode: False)
    assert main(["evaluate", str(run_folder)]) == 0
    shown = capsys.readouterr()
    assert "accuracy" in shown.out
    assert "may not be written, so the values are shown and not stored" in shown.err
    assert (results.read_bytes() if results.exists() else None) == before
