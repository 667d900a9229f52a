import asyncio

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from m5kit.serve.guard import COOKIE, Guard
from m5kit.serve.settings import Settings


async def reads_all(scope, receive, send):
    """An application that reads the body, and sleeps where it is asked to."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(30)
    await PlainTextResponse(str(size))(scope, receive, send)


def client(**settings):
    seen = []
    guard = Guard(reads_all, Settings(**settings), lambda path, status, seconds: seen.append((path, status)))
    opened = TestClient(guard)
    opened.seen = seen
    return opened


def test_a_body_over_the_limit_is_refused_before_and_while_it_is_read():
    opened = client(max_bytes=1000)
    assert opened.post("/", content=b"x" * 1000).text == "1000"
    declared = opened.post("/", content=b"x", headers={"content-length": str(10**9)})
    assert declared.status_code == 413
    assert "at most 1,000 bytes" in declared.json()["error"]
    sent = []

    def endless():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 100

    assert opened.post("/", content=endless()).status_code == 413
    assert opened.seen == [("/", 200), ("/", 413), ("/", 413)]


def test_a_framework_that_answers_for_itself_does_not_keep_the_connection():
    async def takes_it_for_a_mistake(scope, receive, send):
        try:
            await reads_all(scope, receive, send)
        except Exception:
            await PlainTextResponse("a mistake", 400)(scope, receive, send)

    answer = TestClient(Guard(takes_it_for_a_mistake, Settings(max_bytes=10), lambda *seen: None)).post(
        "/", content=iter([b"x" * 9] * 3)
    )
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("length", ["-1", "1e3", "nonsense", "9" * 5000])
def test_strange_lengths_are_refused(length):
    assert client().post("/", content=b"x", headers={"content-length": length}).status_code == 413


def test_a_request_that_takes_too_long_is_told_so():
    answer = client(seconds=0.05).get("/slow")
    assert answer.status_code == 504
    assert "no answer within 0.05 s" in answer.json()["error"]


def test_too_many_at_once_are_told_to_come_again_and_health_is_still_answered():
    opened = client(concurrent=0)
    answer = opened.get("/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert opened.get("/health").status_code == 200


def test_with_a_token_only_those_who_show_it_get_in():
    opened = client(token="s3cret-ü")
    assert opened.get("/").status_code == 401
    assert opened.get("/", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert opened.get("/x?token=s3cret").status_code == 401
    assert opened.get("/health").status_code == 200
    assert opened.get("/?token=s3cret-%C3%BC").status_code == 200
    plain = client(token="s3cret")
    assert plain.get("/", headers={"authorization": "Bearer s3cret"}).status_code == 200
    assert plain.get("/", headers={"cookie": f"{COOKIE}=s3cret"}).status_code == 200
    assert plain.get("/?token=s3cret").status_code == 200
    assert plain.get("/about?token=s3cret").status_code == 401


def test_a_browser_must_call_the_service_by_its_own_name():
    opened = client(hosts=("127.0.0.1", "[::1]"))
    assert opened.get("/", headers={"host": "127.0.0.1:8765"}).status_code == 200
    assert opened.get("/", headers={"host": "[::1]:8765"}).status_code == 200
    assert opened.get("/", headers={"host": "evil.example:8765"}).status_code == 400


def test_every_answer_forbids_what_a_page_of_the_service_never_needs():
    headers = client().get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
