"""A service as a process: index and search by command, clients that misbehave, a stop that loses nothing."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("lancedb")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def index(trained, tool, tmp_path_factory):
    run, _ = trained
    place = tmp_path_factory.mktemp("index") / "shop.index"
    said = tool("-m", "m5kit", "index", run, "--out", place).stdout
    assert "exact search: every search reads all 120 vectors" in said
    assert re.search(r"120 items of width \d+ in .*; columns to filter by: id, split, coarse", said)
    return place


@pytest.fixture
def service(index):
    """A running service: the process and its port."""
    command = [sys.executable, "-m", "m5kit", "serve", str(index), "--port", "0", "--max-mb", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert "120 items at http://127.0.0.1:" in line, process.stderr.read() if process.poll() else line
    yield process, int(re.search(r":(\d+)/", line)[1])
    process.kill()
    process.wait()


def ask(port, path="/search", body=None):
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"http://127.0.0.1:{port}{path}", data, {"content-type": "application/json"})
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_search_by_command(index, demo, tool):
    row = json.loads((demo / "annotations.jsonl").read_text().splitlines()[0])
    asked = ["--text", "striped cup", "--where", "size_mm < 250", "--top", "4", "--json"]
    hits = json.loads(tool("-m", "m5kit", "search", index, *asked).stdout)
    assert len(hits) == 4
    assert all(hit["properties"]["size_mm"] < 250 for hit in hits)
    mixed = tool(
        "-m", "m5kit", "search", index, "--text", "cup", "--image", demo / row["image"], "--weight", "text=0.2"
    )
    assert re.match(r"id +score +image +text +title +properties\n", mixed.stdout)
    assert "--video FILE" in tool("-m", "m5kit", "search", index, "--help").stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ["--where", "prize < 3"],
            "no column 'prize'; a text stands in single quotes, as in 'prize'; the columns are: id (string)",
        ),
        (["--text", "a", "--weight", "text=much"], "expected MODALITY=NUMBER"),
        (["--image", "absent.jpg"], "there is no such file"),
        (["--table", "colour"], "expected KEY=VALUE,KEY=VALUE"),
        (["--like", "absent"], "holds no item 'absent'"),
    ],
)
def test_mistakes_of_a_search_are_said_in_a_sentence(index, tool, asked, said):
    done = tool("-m", "m5kit", "search", index, *asked, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_another_run_cannot_add_to_an_index(index, trained, demo, tool, tmp_path, short):
    run, _ = trained
    done = tool("-m", "m5kit", "index", run, "--out", index, "--update", "--space", "fused", check=False)
    assert "an index keeps what it was built with" in done.stderr
    other = tmp_path / "other"
    tool("tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", other, *short("seed=9"))
    done = tool("-m", "m5kit", "index", other, "--out", index, "--update", check=False)
    assert done.returncode == 2
    assert "is another than that of the index" in done.stderr
    assert "120 items" in tool("-m", "m5kit", "index", run, "--out", index, "--update", "--split", "train").stdout


def test_what_cannot_be_served_is_said_before_anything_is_loaded(index, tool):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = tool("-m", "m5kit", "serve", index, "--port", port, check=False)
    assert done.returncode == 2
    assert f"--port {port}: Address already in use" in done.stderr
    done = tool("-m", "m5kit", "serve", index, "--port", "99999", "--max-mb", "0", check=False)
    assert "the command has 2 mistakes" in done.stderr


def test_a_signal_lets_running_requests_finish(service):
    process, port = service
    ask(port, body={"item": {"text": "warm"}})
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(ask, port, "/search", {"item": {"text": f"cup {n}"}}) for n in range(12)]
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        answers = [each.result() for each in asked if not isinstance(each.exception(), OSError)]
    assert answers
    assert {status for status, _ in answers} == {200}
    assert process.wait(60) == 0
    assert "Traceback" not in process.stderr.read()


def test_clients_that_misbehave_harm_nobody(service):
    process, port = service
    for _ in range(20):
        gone = socket.create_connection(("127.0.0.1", port))
        gone.sendall(
            b"POST /search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b'content-length: 1000\r\n\r\n{"item"'
        )
        gone.close()
    assert ask(port, "/health") == (200, {"status": "ok"})
    assert flood(port) < 100 * 2**20
    with socket.create_connection(("127.0.0.1", port)) as odd:
        odd.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b"400" in odd.recv(1000)
    status, answer = ask(port, body={"item": {"text": "cup"}, "top": 3})
    assert status == 200
    assert len(answer["hits"]) == 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert "Traceback" not in process.stderr.read()


def flood(port):
    """Send a gigabyte in chunks; how many bytes the service took before it hung up."""
    sent, chunk = 0, b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        try:
            while sent < 2**30:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
    return sent
