"""Whoever writes an index is killed again and again while a service answers from it.

``M5KIT_KILLS=100`` asks for more kills than 20, ``M5KIT_SEED`` draws other moments.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("lancedb")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("M5KIT_KILLS", "20"))
SEED = int(os.environ.get("M5KIT_SEED", "1"))
ITEMS = 24
"""Of an update."""
PAUSE = 0.1
"""Seconds between two questions."""


@pytest.fixture(scope="module")
def commands(command_server):
    # what LanceDB imports most of the time; importing itself starts a thread
    with command_server("kills", "m5kit.index.items", "m5kit.index.index", "lance_namespace") as commands:
        _run(commands, "train", "leaf.yaml", "--data", ".", "--run-dir", "run", "--set", "data.workers=0")
        yield commands


@pytest.fixture(scope="module")
def index(commands):
    """The place of an index of the items that the run was trained with."""
    _run(commands, "index", "run", "--out", "shop.index")
    return commands.folder / "shop.index"


def _run(commands, *words):
    assert commands.run(*words) == 0, (commands.folder / "log.txt").read_text()


@pytest.fixture
def port(index):
    """Of a service of the index, which must be there to the end."""
    command = [sys.executable, "-m", "m5kit", "serve", str(index), "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as service:
        yield int(re.search(r":(\d+)/", service.stdout.readline())[1])
        assert service.poll() is None
        service.terminate()
        assert service.wait(60) in (0, 128 + signal.SIGTERM, -signal.SIGTERM)


def _ask(port, where):
    """Status and hits of a search among some of the items."""
    body = json.dumps({"item": {"text": "a red mug"}, "top": 5, "where": where}).encode()
    request = Request(f"http://127.0.0.1:{port}/search", body, {"content-type": "application/json"})
    try:
        with urlopen(request, timeout=60) as answer:
            return 200, [(hit["id"], round(hit["score"], 5)) for hit in json.loads(answer.read())["hits"]]
    except HTTPError as error:
        return error.code, error.read().decode()


def _keep_asking(port, expected, ended):
    """How many questions were answered, and the answers that were wrong, until all has ended."""
    asked, wrong = 0, []
    while not ended.wait(PAUSE):
        found = _ask(port, "id not like 'killed%'")
        status, _ = _ask(port, "id like 'killed%'")
        asked += 2
        if found != expected or status != 200:
            wrong.append((found, status))
    return asked, wrong


def _more_items(folder, number):
    """A folder of new items, with a property of its own, which becomes a column."""
    items = folder / f"items{number}"
    items.mkdir()
    with (items / "annotations.jsonl").open("w") as file:
        for item in range(ITEMS):
            row = {"id": f"killed{number}_{item}", "split": "train", "text": f"a mug of kind {item}"}
            file.write(json.dumps({**row, "table": {f"own{number}": item}}) + "\n")
    return items


def _kill_while_it_writes(commands, index, draw, words):
    """Start a command, and kill its group shortly after it first changes the items; its status."""
    before, group = _state(index), commands.start(*words)
    ended = time.monotonic() + 30
    while _state(index) == before and time.monotonic() < ended:
        time.sleep(0.003)
    time.sleep(draw.choice((0, draw.uniform(0, 0.3))))
    with suppress(ProcessLookupError):  # it was done before
        os.killpg(group, signal.SIGKILL)
    return commands.wait()


def _state(index):
    """What changes with any file of the items."""
    return sorted(folder.stat().st_mtime_ns for folder in (index / "items.lance").iterdir())


def _held(index):
    """How many items of each update an index holds."""
    from m5kit.index.index import Index

    opened = Index.open(index)
    ids = opened.store.scan("id like 'killed%'", None, opened.about.columns, ["id"])["id"].to_pylist()
    return len(opened), Counter(name.partition("_")[0] for name in ids)


def test_writers_are_killed_and_the_service_answers_as_before(index, commands, port):
    draw, ended, killed, rounds = random.Random(SEED), Event(), 0, 0
    whole, _ = _held(index)
    expected = _ask(port, "id not like 'killed%'")
    assert expected[0] == 200
    assert len(expected[1]) == 5
    update = ["index", "run", "--out", "shop.index", "--update", "--data"]
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(_keep_asking, port, expected, ended)
        try:
            while killed < KILLS and rounds < 3 * KILLS:
                words = [*update, _more_items(commands.folder, rounds)]
                killed += _kill_while_it_writes(commands, index, draw, words) == -signal.SIGKILL
                size, held = _held(index)
                assert size == whole + sum(held.values())
                assert set(held.values()) <= {ITEMS}  # an update is there as a whole, or not at all
                rounds += 1
            _run(commands, *update, commands.folder / "items0")
        finally:
            ended.set()
        asked, wrong = asking.result(60)
    assert killed == KILLS
    assert wrong == []
    assert asked > KILLS
    assert _held(index)[1]["killed0"] == ITEMS
    time.sleep(3)  # the service sees what was written within seconds
    assert _ask(port, "own0 = 3")[1][0][0] == "killed0_3"
