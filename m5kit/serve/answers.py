"""Answers as plain JSON, errors too."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
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


def encoded(vector: NDArray[np.float32], encoding: str) -> list[float] | str:
    """A vector in JSON: its numbers, or the bytes of float32 in base64, little end first."""
    if encoding == "base64":
        return b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    numbers: list[float] = vector.tolist()
    return numbers
