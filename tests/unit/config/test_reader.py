"""One YAML file: what is a number, what is refused, and where."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from m5kit.config.reader import display, read_data, read_file, read_value, write_inline
from m5kit.config.reader import write as to_yaml
from m5kit.config.tree import origins, to_plain
from m5kit.errors import ConfigError

Write = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4),
        ("1.5E3", 1500.0),
        (".5", 0.5),
        ("-3", -3),
        ("010", "010"),
        ("1:30", "1:30"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("none", "none"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("[1, {a: 2}]", [1, {"a": 2}]),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    read = to_plain(read_value(text, "--set"))
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "value", ["5e-4", "no", "010", "true", "", "none", "a: b", "# c", "中文", "two\nlines", 5e-4, 1e-5, 1e300, None, []]
)
def test_what_is_written_reads_back_equal(value: Any, write: Write) -> None:
    path = write("x.yaml", to_yaml({"key": {"inner": value}, "list": [value, value]}))
    assert to_plain(read_file(path)) == {"key": {"inner": value}, "list": [value, value]}
    assert to_plain(read_value(write_inline(value), "")) == value


def test_every_value_knows_its_line(write: Write) -> None:
    path = write("x.yaml", "a:\n  b: 1\n  c:\n    d: 2\nlist:\n  - 1\n")
    found = dict(origins(read_file(path)))
    assert found == {"a": "x.yaml:1", "a.b": "x.yaml:2", "a.c": "x.yaml:3", "a.c.d": "x.yaml:4", "list": "x.yaml:6"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", r"x\.yaml:2: the key 'a' is written twice \(x\.yaml:1 has it already\)"),
        ("a: 1\nb: [{c: 1, c: 2}]\n", r"x\.yaml:2: the key 'c' is written twice"),
        ("a: !!python/object/apply:os.system [id]\n", r"x\.yaml:1: the tag 'tag:yaml\.org,2002:python/object/apply:os"),
        ("a: &x 1\nb: *x\n", r"x\.yaml:1: anchors are not supported"),
        ("b: 1\nc:\n  1: 2\n", r"x\.yaml:3: the key 1 is not a word"),
        ("a.b: 2\n", r"the key 'a\.b' is not a word without dots"),
        ("- 1\n", r"x\.yaml:1: expected keys and values, got \[1\]"),
        ("a: [1\nb: 2\n", r"x\.yaml:\d: "),
        ("a: \x00", r"x\.yaml:1: not YAML"),
        ("a: 1\n---\nb: 2\n", r"x\.yaml:2: "),
    ],
)
def test_what_is_refused_is_named_with_its_line(text: str, message: str, write: Write) -> None:
    with pytest.raises(ConfigError, match=message):
        read_file(write("x.yaml", text))


def test_an_empty_file_is_an_empty_mapping(write: Write) -> None:
    assert to_plain(read_file(write("x.yaml", "# nothing\n"))) == {}


def test_bytes_that_are_no_text_are_named(write: Write) -> None:
    path = write("x.yaml", "")
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"x\.yaml: cannot be read as UTF-8 text"):
        read_file(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("shop #2", "shop #2"),
        ("/data/shop\t#2 ", "/data/shop\t#2"),
        ("#2", "#2"),
        ("shop#2", "shop#2"),
        ("'shop #2'", "shop #2"),
        ("['a #1', b]", ["a #1", "b"]),
    ],
)
def test_a_value_of_the_command_line_has_no_comment(text: str, value: Any) -> None:
    assert to_plain(read_value(text, "--set")) == value


@pytest.mark.parametrize("text", ["3 # three", "[a, b] #c", "{a: 1} #", "'a' #b", "true #"])
def test_what_yaml_would_drop_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="would be lost, as YAML begins a comment there"):
        read_value(text, "--set")


@pytest.mark.parametrize("sign", ["[", "{", "- ", "? ", "[{a: "])
def test_what_stands_too_deep_is_refused_before_the_stack_ends(sign: str) -> None:
    assert read_value("[" * 60 + "]" * 60, "--set").value
    with pytest.raises(ConfigError, match="more than 64 deep"):
        read_value(sign * 3_000, "--set")


def test_data_may_have_dots_in_its_keys_and_follows_the_same_rules(write: Write) -> None:
    assert read_data(write("d.yaml", "vary: {model.dim: [1e-4, no]}\n")) == {"vary": {"model.dim": [1e-4, "no"]}}
    for text, problem in {
        "a: 1\na: 2\n": "d.yaml:2: the key 'a' is written twice",
        "a: &x 1\nb: *x\n": "anchors are not supported",
        "a: !!python/object:os.system {}\n": "is refused",
        "1: a\n": "the key 1 is not a word",
    }.items():
        with pytest.raises(ConfigError, match=problem):
            read_data(write("d.yaml", text))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("here/a.yaml", "here/a.yaml"),
        ("here/../b/a.yaml", "b/a.yaml"),
        ("../c.yaml", "../c.yaml"),
        ("../x/../c.yaml", "{above}/c.yaml"),
        ("{above}/x/../c.yaml", "{above}/c.yaml"),
        ("{above}/c.yaml", "{above}/c.yaml"),
    ],
)
def test_a_path_is_shown_without_a_way_back(tmp_path, monkeypatch, given, shown):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert display(Path(given.format(above=tmp_path))) == shown.format(above=tmp_path)
