"""What stands before every request: who asks, how much is sent, how long it takes, how many come at once."""

import asyncio
import hmac
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from m5kit.serve.answers import PlainJSON
from m5kit.serve.settings import Settings

COOKIE = "m5kit_token"
OPEN = ("/health",)
"""Paths that need no token."""

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
}
"""On every answer: a file of the catalogue must not become a program of the page."""

HEADERS = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]

Observe = Callable[[str, int, float], None]
"""Gets path, status and seconds of each request."""


class TooLargeError(Exception):
    """The body is over the limit."""


class _Body:
    """The messages of a request; a body over the limit is not read to its end."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most

    @property
    def over(self) -> bool:
        """Whether more came than is allowed."""
        return self._left < 0

    async def receive(self) -> Message:
        message: dict[str, Any] = dict(await self._receive())
        self._left -= len(message.get("body", b""))
        if self.over:
            raise TooLargeError
        return message


class Guard:
    """Refuses early what a service must not work on, and answers in JSON whatever goes wrong.

    Args:
        app: that answers.
        settings: the limits.
        observe: gets every answered request.
    """

    def __init__(self, app: ASGIApp, settings: Settings, observe: Observe) -> None:
        self.app, self.settings, self.observe = app, settings, observe
        self.working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 499  # the status of a client that has gone before it was answered

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                message["headers"] += [header for header in HEADERS if header[0] not in given]
            await send(message)

        try:
            await self._guarded(scope, receive, sending)
        finally:
            self.observe(scope["path"], status, time.perf_counter() - begin)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        started, body = False, _Body(receive, self.settings.max_bytes)

        async def sending(message: Message) -> None:
            nonlocal started
            # What a framework makes of a body over the limit would leave the connection open for the rest of it.
            if not body.over:
                started = True
                await send(message)

        self.working += 1
        try:
            async with asyncio.timeout(self.settings.seconds):
                await self.app(scope, body.receive, sending)
            if body.over:
                raise TooLargeError  # which the framework took for a mistake of its own
        except (TimeoutError, TooLargeError) as error:
            if not started:
                await self._too_much(error)(scope, receive, send)
        finally:
            self.working -= 1

    def _refusal(self, scope: Scope) -> PlainJSON | None:
        """The answer to a request that is not worked on; None for one that is."""
        headers = Headers(scope=scope)
        if self.settings.hosts and _host(headers.get("host", "")) not in self.settings.hosts:
            return PlainJSON.error(400, f"this service is not called {headers.get('host', '')!r}")
        if self.settings.token and scope["path"] not in OPEN and not self._knows_token(scope, headers):
            return PlainJSON.error(401, "show the token: Authorization: Bearer TOKEN", {"www-authenticate": "Bearer"})
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self.settings.max_bytes:
            return self._too_much(TooLargeError())
        if self.working >= self.settings.concurrent and scope["path"] not in OPEN:
            return PlainJSON.error(503, "too many requests at once; come again", {"retry-after": "1"})
        return None

    def _knows_token(self, scope: Scope, headers: Headers) -> bool:
        shown = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        # the page's first link carries the token, which the page then keeps as a cookie
        query = dict(part.partition("=")[::2] for part in scope["query_string"].decode("latin-1").split("&"))
        linked = unquote(query.get("token", ""), "latin-1") if scope["path"] == "/" else ""
        for each in (shown, cookie.value if cookie else "", linked):
            if hmac.compare_digest(each.encode("latin-1", "replace"), self.settings.token.encode()):
                return True
        return False

    def _too_much(self, error: Exception) -> PlainJSON:
        # what is left of a body is not read: the connection ends here
        if isinstance(error, TooLargeError):
            return PlainJSON.error(
                413, f"a request has at most {self.settings.max_bytes:,} bytes", {"connection": "close"}
            )
        return PlainJSON.error(
            504, f"no answer within {self.settings.seconds:g} s; send less at once", {"connection": "close"}
        )


def _host(header: str) -> str:
    """The name in a Host header, without the port."""
    name, _, port = header.rpartition(":")
    return name if name and port.isdecimal() else header
