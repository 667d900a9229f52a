"""Files of items for the page: found by the item's id, opened as those of the data, shown as small pictures."""

import io
import mimetypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from m5kit.data.decode._spectrogram import Spectrogram
from m5kit.data.decode.sound import Sound
from m5kit.data.files import find_file
from m5kit.data.pipeline import Pipeline
from m5kit.data.preview import sound_picture
from m5kit.data.several import each_value
from m5kit.errors import DecodeError, QueryError
from m5kit.index.about import IndexInfo
from m5kit.index.rows import Row

PLAYED = ("image/", "audio/", "video/")
"""Beginnings of the types that a browser shows or plays."""
NOT_SHOWN = ("image/svg+xml",)
"""A program in the disguise of a picture."""
EDGE = 480
"""Longest side of a small picture, in pixels."""
MOST_BYTES = 2**30
"""Of a file that is handed out."""
REMEMBERED = 1024
"""Small pictures that are kept in memory, some 20 kB each."""


class ItemMedia:
    """The files of an index's items.

    Args:
        about: of the index.
        pipelines: of its run, by modality.
        root: folder that references are relative to, unless a row names its own.
        follow_links: whether links may lead out of it.
    """

    def __init__(self, about: IndexInfo, pipelines: Mapping[str, Pipeline], root: Path, follow_links: bool) -> None:
        self.about, self.pipelines = about, pipelines
        self.root, self.follow_links = root, follow_links
        self._remembered = lru_cache(REMEMBERED)(self._draw)

    def shown(self, row: Row) -> dict[str, Any]:
        """An item for the page: its words, its tables, and where its files are had."""
        words: list[str] = []
        files: list[dict[str, Any]] = []
        for name, kind in self.about.modalities.items():
            source = row.sources.get(name)
            if kind == "words" and source:
                words.append(source)
            elif kind == "media":
                files += _addresses(row.id, name, _paths(source))
        return {"title": " · ".join(words), "files": files}

    def kinds(self, rows: Iterable[Row]) -> dict[str, list[str]]:
        """By modality, the kinds of its files: the first half of their types."""
        found: dict[str, set[str]] = {}
        for row in rows:
            for file in self.shown(row)["files"]:
                if file["type"] is not None:
                    found.setdefault(file["modality"], set()).add(file["type"].partition("/")[0])
        return {name: sorted(kinds) for name, kinds in found.items()}

    def file(self, row: Row, modality: str, number: int = 0) -> tuple[Path, str]:
        """A file of one modality of an item, and its type; ``number`` tells one of several.

        Raises:
            QueryError: there is none, or it is of no type that a browser plays.
            DecodeError: it may not be read.
        """
        source = self._source(row, modality, number)
        kind = media_type(source)
        if kind is None:
            raise QueryError(f"{modality}: a browser cannot play this file")
        return find_file(source, self._root(row), MOST_BYTES, self.follow_links), kind

    def thumbnail(self, row: Row, modality: str, number: int = 0) -> bytes:
        """A small picture of one modality of an item, as JPEG.

        Raises:
            QueryError: there is none.
            DecodeError: the file cannot be read.
        """
        return self._remembered(self._source(row, modality, number), modality, self._root(row))

    def _root(self, row: Row) -> Path:
        return Path(row.data) if row.data else self.root

    def _source(self, row: Row, modality: str, number: int) -> str:
        paths = _paths(row.sources.get(modality)) if self.about.modalities.get(modality) == "media" else []
        if not 0 <= number < len(paths):
            raise QueryError(f"the item has no {'further ' if number and paths else ''}file of {modality!r}")
        return paths[number]

    def _draw(self, source: str, modality: str, root: Path) -> bytes:
        decoded = self.pipelines[modality].decode(source, root)
        pixels = _pixels(decoded)
        if pixels is None:
            raise DecodeError(f"{modality}: nothing of it can be shown")
        picture = Image.fromarray(pixels)
        picture.thumbnail((EDGE, EDGE))
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=85)
        return written.getvalue()


def _paths(source: Any) -> list[str]:
    """The files of a modality of an item."""
    return [each for each in each_value(source) if isinstance(each, str)]


def _addresses(item: str, modality: str, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Where the page gets each file of a modality, and a small picture of it."""
    for number, path in enumerate(paths):
        asked = {"item": item.encode("utf-8", "replace"), "modality": modality} | ({"number": number} if number else {})
        query = urlencode(asked)
        addresses = {"file": f"media?{query}", "thumbnail": f"thumbnail?{query}"}
        yield {"modality": modality, "type": media_type(path), **addresses}


def media_type(source: str) -> str | None:
    """The type of a file by its name; None if a browser shows or plays no such file."""
    kind, _ = mimetypes.guess_type(source)
    return kind if kind and kind.startswith(PLAYED) and kind not in NOT_SHOWN else None


def _pixels(decoded: Any) -> NDArray[np.uint8] | None:
    """The picture, the middle frame of a clip, or the picture of a sound."""
    if isinstance(decoded, Sound | Spectrogram):
        return sound_picture(decoded)
    if not isinstance(decoded, np.ndarray) or decoded.dtype != np.uint8 or decoded.shape[-1:] != (3,):
        return None
    return decoded[len(decoded) // 2] if decoded.ndim == 4 else decoded
