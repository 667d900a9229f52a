"""Turns the region features of M5Product, a TSV with base64, into packs that are read by memory map."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode.features import Features, write_pack
from m5kit.data.importers.ids import IdTable
from m5kit.data.importers.report import MissingList
from m5kit.errors import DataError

FIELDS = 6
PER_PACK = 500
"""Items of a pack; some 150 MB of 36 × 2048 numbers."""

REGIONS = "regions"


class Regions:
    """Where the regions of an item are.

    Args:
        table: the number of its pack by id.
        width: of a feature.
    """

    def __init__(self, table: IdTable, width: int) -> None:
        self.table, self.width = table, width

    def place(self, name: str) -> str | None:
        """The reference ``pack#ID``, or None."""
        number = self.table.get(name)
        return None if number is None else f"{_folder(number)}#{name}"


def pack_regions(files: Sequence[Path], out: Path, damaged: MissingList, per_pack: int = PER_PACK) -> Regions:
    """Write packs below ``out``, holding ``per_pack`` items in memory.

    Args:
        files: TSV without a header: image_id, image_w, image_h, num_boxes, boxes (base64 of float32 ``l 4``, left, top,
            right, bottom in pixels), features (base64 of float32 ``l e``), title.
        out: the manifest's folder.
        damaged: gets the rows that cannot be decoded.
        per_pack: items of a pack.

    Raises:
        DataError: a file cannot be read, or none of its rows can be decoded.
    """
    width = 0

    def packs() -> Iterator[tuple[str, int]]:
        nonlocal width
        rows = chain.from_iterable(_rows(path, damaged) for path in files)
        for number, part in enumerate(_parts(rows, per_pack)):
            width = width or next(iter(part.values())).values.shape[1]
            for name, item in list(part.items()):  # a copy, as damaged items are taken out
                if item.values.shape[1] != width:
                    damaged.add("regions", name, f"width {item.values.shape[1]}, not {width}")
                    del part[name]
            write_pack(out / _folder(number), part)
            for name in part:
                yield name, number

    table = IdTable(packs())
    if not len(table):
        raise DataError(
            f"no row of {', '.join(map(str, files))} holds regions; expected 7 columns with tabs between them"
        )
    return Regions(table, width)


def _folder(number: int) -> str:
    return f"{REGIONS}/{number:05d}"


def _parts(rows: Iterator[tuple[str, Features]], size: int) -> Iterator[dict[str, Features]]:
    part: dict[str, Features] = {}
    for name, item in rows:
        part.setdefault(name, item)
        if len(part) == size:
            yield part
            part = {}
    if part:
        yield part


def _rows(path: Path, damaged: MissingList) -> Iterator[tuple[str, Features]]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                cells = line.rstrip("\r\n").split("\t", FIELDS)
                try:
                    yield cells[0], _decode(cells)
                except (ValueError, binascii.Error) as error:
                    damaged.add("regions", cells[0][:40], f"{path.name} line {number}: {error}")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _numbers(cell: str) -> NDArray[np.float32]:
    # validated: the lenient decoder skips strange characters and would shift all that follow; little-endian anywhere
    return np.frombuffer(base64.b64decode(cell, validate=True), "<f4")


def _decode(cells: Sequence[str]) -> Features:
    if len(cells) < FIELDS:
        raise ValueError(f"{len(cells)} columns instead of 7")
    width, height, count = map(int, cells[1:4])
    boxes, values = map(_numbers, cells[4:6])
    if min(width, height, count) < 1 or boxes.size != 4 * count or not values.size or values.size % count:
        raise ValueError(
            f"{count} boxes of {width} × {height} pixels, but {boxes.size} corners, {values.size} features"
        )
    # as fractions, so that nobody needs the size of the picture later
    corners = boxes.reshape(count, 4) / np.array([width, height, width, height], np.float32)
    if not (np.isfinite(corners).all() and np.isfinite(values).all()):
        raise ValueError("NaN or infinite numbers")
    return Features(values.reshape(count, -1), np.clip(corners, 0, 1).astype(np.float32))
