import gzip
import time
from pathlib import Path

import pytest
from fsspec.implementations.http import HTTPFileSystem

from m5kit.data.remote import arrival, folder, web
from m5kit.data.remote.folder import RemoteFolder
from m5kit.data.remote.trying import RemoteError, WrongLengthError

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def impatient(monkeypatch):
    """Limits of time that a test can wait for."""
    monkeypatch.setattr(web, "ANSWER", 0.3)
    monkeypatch.setattr(arrival, "PERIOD", 0.3)
    HTTPFileSystem.clear_instance_cache()  # a session keeps the limits that it was opened with
    folder._file_system.cache_clear()
    yield
    HTTPFileSystem.clear_instance_cache()
    folder._file_system.cache_clear()


def _without_end(request):
    if request.begin():
        while True:
            request.wfile.write(CONTENT)


def test_a_body_without_an_end_is_stopped(hostile, tmp_path):
    hostile.answers["/a"] = _without_end
    with pytest.raises(WrongLengthError, match=r"/a sends more than the 100,000 bytes that it may have"):
        RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 100_000)
    assert (tmp_path / "a").stat().st_size < 100_000 + web.PIECE


def test_a_length_that_is_too_large_is_not_waited_for(hostile, tmp_path):
    hostile.offer("a", CONTENT, told=10**15)
    with pytest.raises(WrongLengthError):
        RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 100_000)
    assert not (tmp_path / "a").exists()


def test_a_packed_body_counts_unpacked(hostile, tmp_path):
    hostile.offer("a", gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    with pytest.raises(WrongLengthError):
        RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 1_000_000)
    assert not (tmp_path / "a").exists() or (tmp_path / "a").stat().st_size < 4_000_000
    hostile.offer("a", gzip.compress(CONTENT), Content_Encoding="gzip")
    RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 1_000_000)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_connection_that_is_cut_is_no_whole_file(hostile, tmp_path):
    hostile.offer("a", CONTENT, told=len(CONTENT) + 1)
    with pytest.raises(RemoteError, match=r"cannot be reached after 3 tries \(ClientPayloadError\)"):
        RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 100_000)


def _head_without_end(request):
    with_pauses = "HTTP/1.0 200 OK\r\nX-Wait: " + "x" * 1000
    for sign in with_pauses:
        request.wfile.write(sign.encode())
        time.sleep(0.05)


def _drop_by_drop(request):
    if request.begin(len(CONTENT)):
        for number in range(len(CONTENT)):
            request.wfile.write(CONTENT[number : number + 1])
            time.sleep(0.05)


@pytest.mark.parametrize("answer", [_head_without_end, _drop_by_drop])
def test_a_server_that_hardly_answers_is_given_up(hostile, tmp_path, impatient, answer):
    hostile.answers["/a"] = answer
    begun = time.monotonic()
    with pytest.raises(RemoteError, match="cannot be reached after 3 tries"):
        RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 100_000)
    assert time.monotonic() - begun < 20


def test_a_slow_answer_is_no_missing_file(hostile, impatient):
    hostile.answers["/a"] = _head_without_end
    with pytest.raises(RemoteError, match="cannot be reached"):
        RemoteFolder(hostile.url).find("a")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("file:///etc/passwd", "leads to file:, which is no web server"),
        ("http://localhost:9/a", "leads to localhost:9, which is in a network of this machine"),
        ("http://127.0.0.1:9/a", "leads to 127.0.0.1:9, which is in a network"),
        ("http://[::1]:9/a", "in a network of this machine"),
        ("http://169.254.169.254/latest/meta-data", "in a network of this machine"),
        ("//10.0.0.1/a", "in a network of this machine"),
    ],
)
@pytest.mark.parametrize("ask", ["find", "fetch"])
def test_nobody_is_led_into_the_network_of_this_machine(hostile, tmp_path, target, words, ask):
    hostile.answers["/a"] = lambda request: request.begin(0, 302, Location=target)
    remote = RemoteFolder(hostile.url)
    with pytest.raises(RemoteError, match=words.replace("[", r"\[")):
        remote.find("a") if ask == "find" else remote.fetch("a", tmp_path / "a", 1000)
    assert not Path(tmp_path / "a").exists()


def test_a_server_may_lead_to_another_of_its_own_files(hostile, tmp_path):
    hostile.answers["/a"] = lambda request: request.begin(0, 302, Location="/b")
    hostile.offer("b", CONTENT)
    RemoteFolder(hostile.url).fetch("a", tmp_path / "a", 100_000)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert RemoteFolder(hostile.url).find("a").size == len(CONTENT)


def test_an_encrypted_connection_stays_one():
    import asyncio
    from types import SimpleNamespace

    import yarl

    answer = SimpleNamespace(headers={"Location": "http://example.org/a"})
    params = SimpleNamespace(response=answer, url=yarl.URL("https://example.org/a"))
    with pytest.raises(RemoteError, match="not encrypted"):
        asyncio.run(web._check_redirect(None, None, params))
