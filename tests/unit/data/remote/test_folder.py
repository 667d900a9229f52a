import functools
import http.server
import threading

import pytest

from m5kit.data.remote.folder import RemoteFolder
from m5kit.data.remote.trying import RemoteError
from m5kit.errors import ConfigError, MissingDependencyError


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves files; the first ``failing`` answers are errors."""

    failing = 0

    def send_head(self):
        if type(self).failing:
            type(self).failing -= 1
            self.send_error(503)
            return None
        return super().send_head()

    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    """A folder, and the URL under which a server of this machine offers it."""
    pytest.importorskip("aiohttp")
    (tmp_path / "web").mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=tmp_path / "web"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path / "web", f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    Server.failing = 0


def test_files_are_found_fetched_and_listed(shop, tmp_path):
    remote = RemoteFolder(shop)
    assert remote.find("pictures/0.jpg").size == 1000
    assert remote.find("pictures/9.jpg") is None
    assert remote.find("pictures") is None
    assert remote.names(".jpg") == ["pictures/0.jpg", "pictures/1.jpg", "pictures/2.jpg"]
    remote.fetch("pictures/1.jpg", tmp_path / "1.jpg", 1000)
    assert (tmp_path / "1.jpg").read_bytes() == b"\1" * 1000
    assert remote.read("pictures/9.jpg") is None


def test_the_version_of_a_file_changes_with_it(shop, store):
    remote = RemoteFolder(shop)
    before = remote.find("annotations.jsonl").version
    assert remote.find("annotations.jsonl").version == before
    store.pipe("/shop/annotations.jsonl", b"{}")
    assert remote.find("annotations.jsonl").version != before


def test_a_web_server_is_asked_again_after_an_error(web, tmp_path):
    root, url = web
    (root / "a b%20#.jpg").write_bytes(b"picture")
    remote = RemoteFolder(url)
    Server.failing = 2
    remote.fetch("a b%20#.jpg", tmp_path / "copy", 1000)
    assert (tmp_path / "copy").read_bytes() == b"picture"
    assert remote.names(".jpg") == ["a b%20#.jpg"]
    assert remote.find("c.jpg") is None


def test_a_server_that_does_not_answer_is_told_from_a_file_that_is_missing(web):
    root, url = web
    (root / "a.jpg").write_bytes(b"picture")
    Server.failing = 100
    with pytest.raises(RemoteError, match=r"cannot read http://127.*: it cannot be reached after 3 tries"):
        RemoteFolder(url).find("a.jpg")


def test_nobody_listens():
    pytest.importorskip("aiohttp")
    with pytest.raises(RemoteError, match=r"it cannot be reached after 3 tries \(Client"):
        RemoteFolder("http://127.0.0.1:9").find("a.jpg")


def test_what_cannot_be_opened_is_said(monkeypatch):
    with pytest.raises(ConfigError, match="foo:// is no kind of URL"):
        RemoteFolder("foo://shop").find("a")
    import fsspec

    monkeypatch.setattr(fsspec.core, "url_to_fs", _needs_a_library)
    with pytest.raises(MissingDependencyError, match=r"s3:// needs the library 's3fs'.*m5kit\[remote\]"):
        RemoteFolder("s3://shop").find("a")


def _needs_a_library(url):
    raise ImportError("Install s3fs to access S3")


def test_no_access_is_not_tried_again(shop, store, monkeypatch):
    tries = []

    def refuse(*_):
        tries.append(1)
        raise PermissionError("Access Denied: key AKIA123")

    monkeypatch.setattr(type(store), "info", refuse)
    with pytest.raises(RemoteError, match="access is denied") as caught:
        RemoteFolder(shop).find("a")
    assert len(tries) == 1
    assert "AKIA" not in str(caught.value)


def test_a_folder_that_is_not_there_is_said(store):
    with pytest.raises(RemoteError, match="there is nothing of this name"):
        RemoteFolder("memory://nowhere").explain_absence()


def test_a_library_that_is_there_and_broken_is_not_called_missing(monkeypatch):
    import fsspec

    def broken(url, **options):
        raise ImportError("Install s3fs to access S3") from ImportError("undefined symbol: x")

    monkeypatch.setattr(fsspec.core, "url_to_fs", broken)
    with pytest.raises(MissingDependencyError, match=r"'s3fs', which cannot be imported \(undefined symbol: x\)"):
        RemoteFolder("s3://broken").find("a")
