"""Which files a manifest may name."""

import os
import re

import pytest

from m5kit.data.decode._media import media_path
from m5kit.errors import DecodeError


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "a.txt").write_text("12345")
    return root


@pytest.mark.parametrize("source", ["../secret.txt", "a/../../secret.txt", "..", "/etc/passwd"])
def test_a_path_that_leaves_the_root_is_refused(root, source):
    message = f"cannot read {source!r}: the path leaves the data's root {root}; put the file below it, or link it there"
    with pytest.raises(DecodeError, match=re.escape(message)):
        media_path(source, root, 100)


def test_a_sibling_whose_name_begins_like_the_root_is_outside(root):
    other = root.parent / "data-2"
    other.mkdir()
    (other / "a.txt").write_text("x")
    with pytest.raises(DecodeError, match="leaves the data's root"):
        media_path("../data-2/a.txt", root, 100)


def test_inner_dots_and_links_of_the_owner_are_followed(root):
    os.symlink(root.parent / "secret.txt", root / "link.txt")
    assert media_path("b/../a.txt", root, 100).read_text() == "12345"
    assert media_path("link.txt", root, 100).read_text() == "secret"
    assert media_path(str(root / "a.txt"), root, 100).read_text() == "12345"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gone.txt", "cannot read 'gone.txt': there is no such file"),
        ("", "cannot read '': expected a path relative to the data's root, got str"),
        (7, "cannot read 7: expected a path relative to the data's root, got int"),
        (None, "cannot read None: expected a path relative to the data's root, got NoneType"),
        (".", "cannot read '.': it is not a regular file"),
        ("a\0b", "cannot read 'a\\x00b': ValueError: "),
        ("a" * 300, f"cannot read '{'a' * 300}': OSError: File name too long"),
    ],
)
def test_what_names_no_file(root, source, message):
    with pytest.raises(DecodeError, match=re.escape(message)):
        media_path(source, root, 100)


def test_empty_large_and_waiting_files_are_refused(root):
    (root / "empty").touch()
    os.mkfifo(root / "pipe")
    for name, message in (
        ("empty", "the file is empty (0 bytes)"),
        ("a.txt", "5 bytes are over the cap max_bytes=4"),
        ("pipe", "it is not a regular file"),
    ):
        with pytest.raises(DecodeError, match=re.escape(f"cannot read {name!r}: {message}")):
            media_path(name, root, 4)
