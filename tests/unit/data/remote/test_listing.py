import os

import pytest

from m5kit.data.remote import listing
from m5kit.data.remote.folder import RemoteFolder
from m5kit.data.remote.trying import RemoteError


def page(*links):
    return "".join(f'<a href="{link}">x</a>' for link in links).encode()


def test_files_are_called_as_they_are_and_not_as_they_are_spelled(hostile):
    hostile.offer("", page("a%20b.tar", "c.tar", "sub/", "?C=M;O=A", "../", "/", "#top"), Content_Type="text/html")
    hostile.offer("sub/", page("d.tar", f"{hostile.url}/sub/e.tar", "/sub/f.tar", "caf%E9.tar"))
    names = ["a b.tar", "c.tar", os.fsdecode(b"sub/caf\xe9.tar"), "sub/d.tar", "sub/e.tar", "sub/f.tar"]
    assert RemoteFolder(hostile.url).names(".tar") == sorted(names)


@pytest.mark.parametrize(
    "link",
    [
        "../x.tar",
        "%2e%2e/x.tar",
        "..%2fx.tar",
        "%2e%2e%2f%2e%2e%2fx.tar",
        "/etc/x.tar",
        "%2Fetc%2Fx.tar",
        "a%00b.tar",
        "sub/../../x.tar",
        "http://elsewhere.org/x.tar",
        "//elsewhere.org/x.tar",
        "file:///x.tar",
        "http://[x.tar",
    ],
)
def test_no_name_leads_out_of_the_folder(hostile, link):
    hostile.offer("shop/", page(link, "a.tar"))
    assert RemoteFolder(f"{hostile.url}/shop").names(".tar") == ["a.tar"]


def test_names_that_are_left_out_are_counted(hostile, caplog):
    hostile.offer("", page("..%2fx.tar", "%2Fy.tar"))
    assert RemoteFolder(hostile.url).names(".tar") == []
    assert "lists 2 names that lead out of it; they are left out" in caplog.text


def test_names_of_an_object_store_lead_nowhere_else_either(store):
    store.store["/shop/../../x.tar"] = store.store["/shop//y.tar"] = None
    store.pipe("/shop/a.tar", b"a")
    store.find = lambda path: ["/shop/../../x.tar", "/shop//y.tar", "/shop/a.tar"]
    try:
        assert RemoteFolder("memory://shop").names(".tar") == ["a.tar"]
    finally:
        del store.find


def test_folders_without_end_are_an_error(hostile):
    def answer(request):
        if request.begin():
            request.wfile.write(page("again/"))

    class Everything(dict):
        get = staticmethod(lambda path: answer)

    hostile.running.answers = Everything()
    with pytest.raises(RemoteError, match="folders within folders without end"):
        RemoteFolder(hostile.url).names(".tar")


def test_a_page_without_end_is_an_error(hostile, monkeypatch):
    monkeypatch.setattr(listing, "LARGEST", 1000)
    hostile.offer("", page(*[f"{number}.tar" for number in range(1000)]))
    with pytest.raises(RemoteError, match="sends more than the 1,000 bytes"):
        RemoteFolder(hostile.url).names(".tar")


def test_a_folder_that_cannot_be_listed_is_not_left_out(hostile):
    """A part of a listing was once taken for the whole of it."""
    hostile.offer("", page("a.tar", "sub/"))
    hostile.answers["/sub/"] = lambda request: request.begin(0, 503)
    with pytest.raises(RemoteError, match="cannot be reached after 3 tries"):
        RemoteFolder(hostile.url).names(".tar")
