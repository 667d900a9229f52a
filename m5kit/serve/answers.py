"""Answers as plain JSON, errors too."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.responses import Response

LONGEST = 2_000
"""Characters of what was wrong: a mistake of a client must not send its own megabytes back to it."""

HOW = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class PlainJSON(Response):
    """JSON of data and arrays."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of JSON data."""
        try:
            return orjson.dumps(content, option=HOW)
        except TypeError:  # half of a surrogate pair, which no UTF-8 can hold, goes out in ASCII as it came in
            return json.dumps(content, separators=(",", ":"), default=np.ndarray.tolist).encode("ascii")

    @classmethod
    def error(cls, status: int, message: str, headers: Mapping[str, str] | None = None) -> "PlainJSON":
        """An answer that says what was wrong."""
        said = message if len(message) <= LONGEST else f"{message[:LONGEST]} ..."
        return cls({"error": said}, status, headers)


def encoded(vector: NDArray[np.float32], encoding: str) -> NDArray[np.float32] | str:
    """A vector in JSON: its numbers, or the bytes of float32 in base64, little end first."""
    if encoding == "base64":
        # a copy would let go of the interpreter, and wait for the model's thread to give it back
        return b64encode(np.ascontiguousarray(vector, "<f4").data).decode("ascii")
    return vector
