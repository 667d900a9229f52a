from pathlib import Path

import pytest

from m5kit.data.remote.place import as_place, check_url, is_remote, local_folder
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
