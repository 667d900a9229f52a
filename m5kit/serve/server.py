"""Runs a service until it is told to stop."""

import gc
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from m5kit.serve.connection import HeadInTime
from m5kit.serve.guard import Guard
from m5kit.serve.settings import Settings

OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Server(uvicorn.Server):
    """Uvicorn that says when it is ready, and ends with status 0 once it has answered what it was asked.

    Args:
        config: of uvicorn.
        ready: gets the port once requests are taken.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; unlike uvicorn's own, it does not send the signal again when all is done."""
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_server(app: Guard, settings: Settings, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM; running requests are answered first.

    Args:
        app: the service.
        settings: its limits.
        host: address to listen on.
        port: 0 for any free one.
        ready: gets the port once requests are taken.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=HeadInTime,
        ws="none",
        log_level="warning",
        access_log=False,  # its lines would be put together before they are dropped
        server_header=False,
        proxy_headers=False,  # nothing here asks who the client is
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.seconds) + 5,
    )
    # What is loaded by now stays: a full collection over all of torch would hold up requests for a tenth of a second.
    gc.collect()
    gc.freeze()
    Server(config, ready).run()


def browser_names(host: str) -> tuple[str, ...]:
    """The names under which a browser may reach a service on ``host``; empty, any, if other machines reach it."""
    try:
        own = ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        own = host == "localhost"
    return (*OWN_NAMES, host) if own else ()
