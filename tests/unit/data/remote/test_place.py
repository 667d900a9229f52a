from pathlib import Path

import pytest

from m5kit.data.remote.place import as_path, as_place, check_url, is_remote, local_folder
from m5kit.errors import ConfigError


def test_a_url_stays_one_and_anything_else_is_a_path():
    assert as_place("s3://bucket/shop/") == "s3://bucket/shop"
    assert as_place("shop") == Path("shop")
    assert as_place(Path("shop")) == Path("shop")
    assert as_place("file:///data/shop") == Path("/data/shop")
    assert not is_remote(Path("s3://bucket/shop"))


def test_a_path_is_read_where_it_is():
    assert local_folder(Path("shop")) == Path("shop")
    assert local_folder("shop") == Path("shop")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://anna:secret@example.org/shop", "name or password"),
        ("https://example.org/shop?signature=secret", "has a query"),
    ],
)
def test_a_url_with_a_secret_is_refused_without_showing_it(url, said):
    with pytest.raises(ConfigError, match=said) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given", [None, 3, b"shop", ["shop"], "a\0b", "x" * 5000, "\ud83d"])
def test_what_no_file_can_be_called_is_refused(given):
    for read in (as_path, as_place):
        with pytest.raises(ConfigError, match=r"expected a path|no file can be called"):
            read(given)


def test_a_scheme_is_one_in_capitals_too():
    assert as_place("HTTPS://Example.org/Shop/") == "https://Example.org/Shop"


def test_no_file_system_is_opened_inside_of_another():
    with pytest.raises(ConfigError, match="a URL in a URL"):
        check_url("reference::https://example.org/shop")


def test_no_folder_is_called_like_the_beginning_of_a_url():
    with pytest.raises(ConfigError, match="expected a path of this machine, got the URL s3://bucket/out"):
        as_path("s3://bucket/out")
