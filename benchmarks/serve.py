"""Throughput and latency of ``m5kit serve`` under concurrent clients, beside ``run.embed`` of the same items.

    python benchmarks/serve.py INDEX [--clients 32] [--requests 1000] [--path embed] [--rounds 2]

The service is a process of its own. Each client is a thread with one connection that sends one item a request, a text
or a file of the index's own items, and waits for the answer. ``run.embed`` takes the same items with batches of 64. The
two take turns, and the ratio is that of their throughputs; the spread of equal rounds is the noise. Clients and service
share the machine: on few cores the clients' own time counts against the service.
"""

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.index.index import Index

Item = Mapping[str, Any]


def main() -> None:
    """Take turns, print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--path", choices=("embed", "search"), default="embed")
    parser.add_argument("--modality", help="the only one that is sent (default: all that an item has)")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    index = Index.open(arguments.index)
    items = make_items(index, arguments.requests, arguments.modality)
    bodies = [as_body(item, arguments.path) for item in items]
    index.run.embed(items[:64])
    process, port = start(arguments.index)
    try:
        ask(port, arguments.path, bodies[:64], arguments.clients)
        at_first = resident(process.pid)
        direct, served, waits = [], [], []
        for _ in range(arguments.rounds):
            begin = time.perf_counter()
            index.run.embed(items, space=index.about.space)
            direct.append(len(items) / (time.perf_counter() - begin))
            begin = time.perf_counter()
            waits += ask(port, arguments.path, bodies, arguments.clients)
            served.append(len(items) / (time.perf_counter() - begin))
        memory = resident(process.pid)
    finally:
        process.terminate()
        process.wait()
    p50, p99 = np.percentile(waits, [50, 99]) * 1000
    print(f"run.embed, batches of 64: {statistics.median(direct):.0f} items/s ({min(direct):.0f} to {max(direct):.0f})")
    print(
        f"m5kit serve, /{arguments.path}, {arguments.clients} clients: {statistics.median(served):.0f} items/s "
        f"({min(served):.0f} to {max(served):.0f}), p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )
    print(f"memory: {at_first:.0f} MiB before, {memory:.0f} MiB after {len(waits):,} requests")
    print(f"ratio {statistics.median(served) / statistics.median(direct):.2f}")


def make_items(index: Index, count: int, modality: str | None) -> list[Item]:
    """Items of the index, again and again: words and tables as they are, files as bytes."""
    found: list[Item] = []
    for hit in index.search(top=min(count, len(index))):
        item = {}
        for name, source in hit.row.sources.items():
            if modality in (None, name):
                is_file = index.about.modalities[name] == "media"
                item[name] = (Path(index.about.data) / source).read_bytes() if is_file else source
        if item:
            found.append(item)
    return [found[number % len(found)] for number in range(count)]


def as_body(item: Item, path: str) -> bytes:
    """The request for an item."""
    sent = {}
    for name, value in item.items():
        sent[name] = {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value
    return json.dumps({"items": [sent], "encoding": "base64"} if path == "embed" else {"item": sent}).encode()


def start(index: str) -> tuple[subprocess.Popen[str], int]:
    """A service and its port."""
    command = [sys.executable, "-m", "m5kit", "serve", index, "--port", "0", "--seconds", "120"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    found = re.search(r":(\d+)/", process.stdout.readline())
    assert found is not None
    return process, int(found[1])


def ask(port: int, path: str, bodies: list[bytes], clients: int) -> list[float]:
    """Send all requests from some clients; returns how long each waited, in seconds."""

    def one_client(mine: list[bytes]) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        waits = []
        for body in mine:
            begin = time.perf_counter()
            connection.request("POST", f"/{path}", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content[:300]
            waits.append(time.perf_counter() - begin)
        return waits

    with ThreadPoolExecutor(clients) as pool:
        return [wait for waits in pool.map(one_client, [bodies[n::clients] for n in range(clients)]) for wait in waits]


def resident(process: int) -> float:
    """MiB that a process holds."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", text)
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
