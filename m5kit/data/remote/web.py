"""Reads from web servers, which may be a stranger's: with limits of time, and without being led elsewhere."""

import asyncio
import ipaddress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import yarl
from fsspec.asyn import sync

from m5kit.data.remote.arrival import Arrival
from m5kit.data.remote.trying import ABSENT, RemoteError

ANSWER = 30.0
"""Seconds in which a server must have answered, and between two pieces of a file."""

PLAIN = {"Accept-Encoding": "identity"}
"""What is packed on its way has another length than the server tells beforehand."""

PIECE = 2**20
"""Bytes that are written at a time."""


async def open_session(**options: Any) -> aiohttp.ClientSession:
    """What fsspec sends its requests with; ``options`` are the user's ``client_kwargs``."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_check_redirect)
    # A file may take hours, which download() allows; a question may not.
    options.setdefault("timeout", aiohttp.ClientTimeout(total=ANSWER))
    options["trace_configs"] = [*options.get("trace_configs", ()), trace]
    return aiohttp.ClientSession(**options)


def download(system: Any, url: str, to: Path, arrival: Arrival) -> None:
    """Copy a file to this machine.

    Args:
        system: fsspec's file system for the web, which holds the session.
        url: of the file.
        to: where it is written.
        arrival: told of every piece; it may raise.

    Raises:
        FileNotFoundError: there is none.
        aiohttp.ClientError: it cannot be read to its end.
        TimeoutError: the server does not answer.
    """
    sync(system.loop, _download, system, url, to, arrival)


async def _download(system: Any, url: str, to: Path, arrival: Arrival) -> None:
    session: aiohttp.ClientSession = await system.set_session()
    no_end = aiohttp.ClientTimeout(total=None, sock_read=ANSWER)
    options = {**system.kwargs, "headers": {**system.kwargs.get("headers", {}), **PLAIN}}
    async with asyncio.timeout(ANSWER):  # sock_read would begin anew at every byte of the head
        response = await session.get(system.encode_url(url), timeout=no_end, **options)
    async with response:
        if response.status in ABSENT:
            raise FileNotFoundError(url)
        response.raise_for_status()
        arrival.set_size(response.content_length)
        with to.open("wb") as file:
            async for piece in response.content.iter_chunked(PIECE):
                file.write(piece)
                arrival.relative_update(len(piece))


async def _check_redirect(
    session: object, context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
) -> None:
    """Refuse to be led to services of this machine or its network, and from an encrypted connection to an open one.

    Raises:
        RemoteError: the server leads there.
    """
    given = params.response.headers.get("Location") or params.response.headers.get("URI") or ""
    target = params.url.join(yarl.URL(given))
    if target.scheme not in ("http", "https") or not target.host:
        raise RemoteError(f"{params.url.host} leads to {target.scheme}:, which is no web server")
    if target.origin() == params.url.origin():
        return
    if params.url.scheme == "https" and target.scheme != "https":
        raise RemoteError(f"{params.url.host} leads to a URL that is not encrypted; name that URL yourself")
    if target.host != params.url.host or target.port != params.url.port:
        await _require_public(params.url.host, target)


async def _require_public(origin: str | None, target: yarl.URL) -> None:
    addresses = await asyncio.get_running_loop().getaddrinfo(target.host, target.port)
    if not all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in addresses):
        raise RemoteError(
            f"{origin} leads to {target.host}:{target.port}, which is in a network of this machine; "
            "name that URL yourself if you mean it"
        )
