"""Answers as plain JSON, errors too."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


class PlainJSON(Response):
    """JSON in ASCII: half of a surrogate pair, which no UTF-8 can hold, goes out as it came in."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of JSON data."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")

    @classmethod
    def error(cls, status: int, message: str, headers: Mapping[str, str] | None = None) -> "PlainJSON":
        """An answer that says what was wrong."""
        return cls({"error": message}, status, headers)
