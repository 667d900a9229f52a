from pathlib import Path

import pytest

from m5kit.data.remote.place import as_path, as_place, check_url, is_remote, local_folder, require_own_place
from m5kit.errors import ConfigError, UsageError


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


def test_items_behind_links_that_lead_round_are_no_place_of_a_run(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    require_own_place(tmp_path / "run", tmp_path / "loop", "run")


def test_a_run_may_not_lie_in_the_folder_of_its_items_by_whatever_name(tmp_path):
    (tmp_path / "items").mkdir()
    (tmp_path / "named").symlink_to(tmp_path / "items")
    with pytest.raises(UsageError, match="is the folder of the items; name another one for the sweep"):
        require_own_place(tmp_path / "named", tmp_path / "items", "sweep")
    require_own_place(tmp_path / "named", "s3://bucket/items", "sweep")


def test_the_home_folder_may_be_written_as_in_a_shell(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~/shop") == as_place("~/shop") == as_path(Path("~/shop")) == tmp_path / "shop"
    assert as_path("shop/~") == Path("shop/~")


def test_an_empty_text_is_no_folder():
    for read in (as_path, as_place):
        with pytest.raises(UsageError, match="data: expected a path, got an empty text"):
            read("", "data")
    assert as_path(".") == Path()
