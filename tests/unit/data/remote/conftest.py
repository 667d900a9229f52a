import http.server
import json
import threading
from contextlib import suppress

import fsspec
import pytest

from m5kit.data.remote import copies as paths
from m5kit.data.remote import mirror, trying


@pytest.fixture(autouse=True)
def copies(tmp_path, monkeypatch):
    """Copies of this test alone, and no waiting between two tries."""
    monkeypatch.setenv("M5KIT_REMOTE", str(tmp_path / "copies"))
    monkeypatch.setattr(trying, "DELAYS", (0.0, 0.0))
    monkeypatch.setattr(mirror, "FRESH", 0.0)
    paths._mirrors.clear()
    return tmp_path / "copies"


@pytest.fixture
def store():
    """An object store in memory, and what puts files into it."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


@pytest.fixture
def shop(store):
    """Three items behind the URL that is returned."""
    rows = [{"id": str(number), "split": "train", "image": f"pictures/{number}.jpg"} for number in range(3)]
    store.pipe("/shop/annotations.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    for number in range(3):
        store.pipe(f"/shop/pictures/{number}.jpg", bytes([number]) * 1000)
    return "memory://shop"


class Hostile(http.server.BaseHTTPRequestHandler):
    """Answers as a test says."""

    def do_GET(self):
        self.server.asked.append(f"{self.command} {self.path}")
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
            return
        with suppress(ConnectionError):  # the other side has had enough
            answer(self)

    do_HEAD = do_GET  # noqa: N815

    def begin(self, length=None, status=200, **headers):
        """Send a head; whether a body is wanted."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        return self.command == "GET"

    def log_message(self, *_):
        pass


class HostileServer:
    """A web server of this machine, and its answers by path."""

    def __init__(self):
        self.running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
        self.running.daemon_threads = True
        self.answers = self.running.answers = {}
        self.asked = self.running.asked = []
        self.url = f"http://127.0.0.1:{self.running.server_port}"
        threading.Thread(target=self.running.serve_forever, daemon=True).start()

    def offer(self, name, content, told=None, **headers):
        """Have a file, which the server may say is of another length."""

        def answer(request):
            if request.begin(len(content) if told is None else told, **headers):
                request.wfile.write(content)

        self.answers[f"/{name}"] = answer


@pytest.fixture
def hostile():
    pytest.importorskip("aiohttp")
    server = HostileServer()
    yield server
    server.running.shutdown()
    server.running.server_close()
