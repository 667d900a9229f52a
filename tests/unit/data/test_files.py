"""Which files a manifest may name."""

import os
import re
import struct

import pytest

from m5kit.data.files import UnusableFileError, find_file, open_own, reading
from m5kit.data.links import remember_link
from m5kit.errors import CheckpointError, DecodeError
from m5kit.permissions import STATE


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "a.txt").write_text("12345")
    return root


@pytest.mark.parametrize("source", ["../secret.txt", "a/../../secret.txt", "..", "/etc/passwd"])
def test_a_path_that_leaves_the_root_is_refused(root, source):
    message = f"cannot read {source!r}: the path leaves the data's root {root}; put the file below it"
    with pytest.raises(DecodeError, match=re.escape(message)):
        find_file(source, root, 100)


def test_a_sibling_whose_name_begins_like_the_root_is_outside(root):
    other = root.parent / "data-2"
    other.mkdir()
    (other / "a.txt").write_text("x")
    with pytest.raises(DecodeError, match="leaves the data's root"):
        find_file("../data-2/a.txt", root, 100)


def test_links_are_followed_inside_of_the_root_and_out_of_it_only_if_allowed(root, monkeypatch, tmp_path):
    monkeypatch.setenv(STATE, str(tmp_path / "state"))
    os.symlink(root / "a.txt", root / "inner.txt")
    os.symlink(root.parent / "secret.txt", root / "link.txt")
    os.symlink(root.parent, root / "up")
    assert find_file("inner.txt", root, 100).read_text() == "12345"
    for name in ("link.txt", "up/secret.txt"):
        with pytest.raises(DecodeError, match=f"{name}.*leaves the data's root .*; .*data.follow_links"):
            find_file(name, root, 100)
    remember_link(root, root.parent)
    assert find_file("up/secret.txt", root, 100).read_text() == "secret"


def test_a_root_that_is_a_link_itself_is_no_way_out(root, tmp_path):
    os.symlink(root, tmp_path / "alias")
    assert find_file("a.txt", tmp_path / "alias", 100).read_text() == "12345"


def test_whatever_is_raised_while_reading_names_the_source():
    with pytest.raises(DecodeError, match=r"cannot read .a\.jpg.: error: bad char"), reading("a.jpg"):
        raise struct.error("bad char")
    with pytest.raises(DecodeError, match=r"cannot read .a\.jpg.: too short$"), reading("a.jpg"):
        raise UnusableFileError("too short")
    with pytest.raises(DecodeError, match=r"x{100}\.\.\.$"), reading("a.jpg"):
        raise RuntimeError("x" * 5000)


def test_inner_dots_and_links_of_the_owner_are_followed(root):
    os.symlink(root.parent / "secret.txt", root / "link.txt")
    assert find_file("b/../a.txt", root, 100).read_text() == "12345"
    assert find_file("link.txt", root, 100, follow_links=True).read_text() == "secret"
    assert find_file(str(root / "a.txt"), root, 100).read_text() == "12345"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gone.txt", "cannot read 'gone.txt': there is no such file"),
        ("", "cannot read '': expected a path relative to the data's root, got str"),
        (7, "cannot read 7: expected a path relative to the data's root, got int"),
        (None, "cannot read None: expected a path relative to the data's root, got NoneType"),
        (".", "cannot read '.': it is not a regular file"),
        ("a\0b", "cannot read 'a\\x00b': ValueError: "),
        ("a" * 300, "OSError: File name too long"),  # the name is shortened, so that a log stays readable
    ],
)
def test_what_names_no_file(root, source, message):
    with pytest.raises(DecodeError, match=re.escape(message)):
        find_file(source, root, 100)


def test_empty_large_and_waiting_files_are_refused(root):
    (root / "empty").touch()
    os.mkfifo(root / "pipe")
    for name, message in (
        ("empty", "the file is empty (0 bytes)"),
        ("a.txt", "5 bytes are over the cap max_bytes=4"),
        ("pipe", "it is not a regular file"),
    ):
        with pytest.raises(DecodeError, match=re.escape(f"cannot read {name!r}: {message}")):
            find_file(name, root, 4)


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "device"])
def test_a_file_of_our_own_is_written_only_where_it_is(tmp_path, kind):
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "run/log.txt"
    path.parent.mkdir()
    if kind == "link":
        elsewhere.write_text("precious")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null" if kind == "device" else elsewhere)
    for mode in ("a", "a+", "w"):
        with pytest.raises(CheckpointError, match=r"log\.txt is a link or no regular file"):
            open_own(path, mode)
    assert elsewhere.exists() == (kind == "link")
    assert kind != "link" or elsewhere.read_text() == "precious"


def test_a_file_of_our_own_is_made_and_added_to(tmp_path):
    for text in ("one ", "two"):
        with open_own(tmp_path / "log.txt", "a") as file:
            file.write(text)
    assert (tmp_path / "log.txt").read_text() == "one two"
