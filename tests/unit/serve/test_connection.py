"""Clients that take their time, against a server with a port."""

import socket
import threading
import time

import pytest
import uvicorn

from m5kit.serve import connection


async def hello(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def port(monkeypatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    config = uvicorn.Config(hello, port=0, http=connection.HeadInTime, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as opened:
        yield opened


def trickle(client):
    """Send a byte now and then, until the server hangs up; the time that this took."""
    begin = time.monotonic()
    client.settimeout(0.1)
    while time.monotonic() - begin < 20:
        try:
            client.sendall(b"x")
            if client.recv(1000) == b"":
                break
        except TimeoutError:
            continue
        except OSError:  # hung up while bytes were on their way
            break
    return time.monotonic() - begin


def test_a_head_that_never_ends_is_not_waited_for(client):
    client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nslow: ")
    assert trickle(client) < 10


def test_who_says_nothing_is_not_waited_for_either(client):
    assert client.recv(1) == b""


def test_the_head_of_a_later_request_must_come_in_time_too(client):
    client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    answer = b""
    while not answer.endswith(b"hello"):
        answer += client.recv(1000)
    client.sendall(b"GET / HTTP/1.1\r\nslow: ")
    assert trickle(client) < 10
