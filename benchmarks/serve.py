"""Throughput and latency of ``m5kit serve`` under concurrent clients, beside ``run.embed`` of the same items.

    python benchmarks/serve.py INDEX [--clients 32] [--requests 1000] [--path embed] [--rounds 2]

The service is a process of its own. Each client is a connection that sends one item a request, a text or a file of
the index's own items, and waits for the answer. ``run.embed`` takes the same items with batches of 64. The two take
turns; the spread of equal rounds is the noise. Two ratios are printed: that of the throughputs, in which the clients'
own time counts against the service where they share its cores, and that of the processor time of an item, in which it
does not.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from _arguments import at_least

from m5kit.errors import M5KitError
from m5kit.index.index import Index

Item = Mapping[str, Any]


def main() -> None:
    """Take turns, print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("--clients", type=at_least(1), default=32)
    parser.add_argument("--requests", type=at_least(1), default=1000)
    parser.add_argument("--path", choices=("embed", "search"), default="embed")
    parser.add_argument("--modality", help="the only one that is sent (default: all that an item has)")
    parser.add_argument("--rounds", type=at_least(1), default=2)
    arguments = parser.parse_args()
    index = Index.open(arguments.index)
    items = make_items(index, arguments.requests, arguments.modality)
    bodies = [as_body(item, arguments.path) for item in items]
    index.run.embed(items[:64])
    process, port = start(arguments.index)
    try:
        ask(port, arguments.path, bodies[:64], arguments.clients)
        at_first = resident(process.pid)
        direct, served, waits, work = [], [], [], []
        for _ in range(arguments.rounds):
            begin, before = time.perf_counter(), time.process_time()
            index.run.embed(items, space=index.about.space)
            direct.append(len(items) / (time.perf_counter() - begin))
            alone, before = time.process_time() - before, worked(process.pid)
            begin = time.perf_counter()
            waits += ask(port, arguments.path, bodies, arguments.clients)
            served.append(len(items) / (time.perf_counter() - begin))
            work.append((alone, worked(process.pid) - before))
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
    alone, inside = (statistics.median(each) / len(items) * 1000 for each in zip(*work, strict=True))
    print(f"processor time of an item: run.embed {alone:.2f} ms, the service {inside:.2f} ms")
    ratio = statistics.median(served) / statistics.median(direct)
    print(f"ratio of throughputs {ratio:.2f}, of work {alone / inside:.2f}")


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
    if not found:
        known = ", ".join(index.about.modalities)
        raise M5KitError(f"--modality: no item of the index has {modality or 'any'}; its modalities are: {known}")
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
    if found is None:
        raise M5KitError(f"the service of {index} did not start, for the reason above")
    return process, int(found[1])


def ask(port: int, path: str, bodies: list[bytes], clients: int) -> list[float]:
    """Send all requests from some clients; returns how long each waited, in seconds."""
    return [wait for waits in asyncio.run(_all_clients(port, path, bodies, clients)) for wait in waits]


async def _all_clients(port: int, path: str, bodies: list[bytes], clients: int) -> list[list[float]]:
    return await asyncio.gather(*(_one_client(port, path, bodies[number::clients]) for number in range(clients)))


async def _one_client(port: int, path: str, bodies: list[bytes]) -> list[float]:
    """One connection that sends one request after the other.

    It writes and reads the bytes of HTTP itself: a library for it takes more of the shared cores than the service.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits = []
    for body in bodies:
        head = f"POST /{path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        begin = time.perf_counter()
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert length is not None
        await reader.readexactly(int(length[1]))
        waits.append(time.perf_counter() - begin)
    writer.close()
    return waits


def resident(process: int) -> float:
    """MiB that a process holds."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", text)
    assert found is not None
    return int(found[1]) / 1024


def worked(process: int) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
