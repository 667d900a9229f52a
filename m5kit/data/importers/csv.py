"""Rows of a CSV or TSV file, which may be compressed with gzip."""

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from m5kit.data.importers.reading import Reading, Row
from m5kit.data.importers.shards import GZIP, PACKED, packed_as
from m5kit.data.marked_text import MARKS
from m5kit.errors import DataError
from m5kit.signatures import listed

LONGEST = 2**24
"""Characters of a cell; Python's own limit is too low for descriptions."""

OTHER_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'"}
"""What else may stand between columns, and how ``--delimiter`` spells it."""

QUOTE = '"'
MARK = "\ufeff"
"""The byte order mark, which has no width."""

SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)

ZEROS = {"01": "utf-16-le", "10": "utf-16-be", "0111": "utf-32-le", "1110": "utf-32-be"}
"""By which bytes of a first Latin letter are 0: an encoding that needs no mark."""


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row a record; the first line names the columns. ``.tsv`` has tabs and no quotation marks, others have both.

    Raises:
        DataError: not UTF-8, not CSV, a quotation mark that is never closed, or a row with too many cells.
    """
    csv.field_size_limit(LONGEST)
    tabs = ".tsv" in source.suffixes
    quotes = not tabs if reading.quotes is None else reading.quotes
    delimiter = _delimiter(reading.delimiter, tabs)
    _refuse_packed(source)
    opener: Any = gzip.open if source.suffix == ".gz" else open
    encoding = _encoding(reading.encoding)
    try:
        with opener(source, "rt", encoding=encoding, newline="") as file:
            # Not strict, Python takes a cell that is never closed for the rest of the file.
            reader = csv.reader(
                file, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
            )
            yield from _rows(reader, source, quotes, reading)
    except UnicodeError as error:
        raise _other_encoding(source, encoding.removesuffix("-sig"), error) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {source} as CSV: {error}") from error


def _other_encoding(source: Path, tried: str, error: UnicodeError) -> DataError:
    if not isinstance(error, UnicodeDecodeError):
        place, hint = str(error), ""
    else:
        place = f"byte {error.object[error.start]:#04x}"
        wide = _wide_encoding(source)
        hint = f"{wide}, as its first bytes tell, " if wide else ""
    return DataError(
        f"{source} is not {tried} ({place}); say how it is written, as in --encoding {hint}cp1252 for files of Excel "
        "in western Europe, or gb18030 in China"
    )


def _wide_encoding(source: Path) -> str | None:
    """The encoding of two or four bytes a letter that the first bytes of a file show; None for others."""
    opener: Any = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rb") as file:
        first = file.read(4)
    zeros = "".join("01"[byte == 0] for byte in first)
    marked = (name for mark, name in MARKS.items() if first.startswith(mark))
    return next(marked, ZEROS.get(zeros) or ZEROS.get(zeros[:2]))


def _refuse_packed(source: Path) -> None:
    """Say what the file is: as text of some encoding it would be read to its end, and be called anything."""
    if source.is_dir():
        raise DataError(f"{source} is a folder; name a .csv or .tsv file")
    packed = packed_as(source)
    if packed and not (source.suffix == ".gz" and packed == PACKED[GZIP]):
        raise DataError(f"{source} is no CSV: it is {packed}; unpack it, or save it as CSV (.csv.gz is read as it is)")


def _delimiter(given: str | None, tabs: bool) -> str:
    """What stands between columns.

    Raises:
        DataError: it is not one sign, or one that has a meaning of its own.
    """
    if given is None:
        return "\t" if tabs else ","
    if len(given) != 1 or given in '"\r\n':
        raise DataError(f"--delimiter {given!r}: expected one sign, such as ';' or tab, and no quotation mark")
    return given


def _encoding(name: str | None) -> str:
    """The encoding to read with; a mark at the beginning of UTF-8 is no part of the first column's name.

    Raises:
        DataError: Python knows none of that name.
    """
    try:
        known = codecs.lookup(name or "utf-8").name
        "".encode(known)  # 'hex' and 'zlib' are codecs, and none of texts
    except (LookupError, UnicodeError):
        raise DataError(
            f"--encoding {name!r}: there is no such encoding; usual ones are utf-8, cp1252, gb18030"
        ) from None
    return "utf-8-sig" if known == "utf-8" else known


def _rows(reader: Any, source: Path, quotes: bool, reading: Reading) -> Iterator[Row]:
    names = _header(reader, source, reading)
    report = reading.report
    while True:
        first = reader.line_num + 1
        cells = _next(reader, source, first)
        if cells is None:
            return
        if not cells:
            continue  # an empty line
        if cells == names:
            report.notice("rows that name the columns again, as where files were joined", f"line {first}")
        if len(cells) > len(names):
            raise DataError(f"{source}: line {first} has more cells than there are columns")
        marked = [cell for cell in cells if QUOTE in (cell[:1], cell[-1:])] if not quotes else []
        if len(cells) < len(names):
            if marked:
                raise DataError(
                    f"{source}: line {first} has fewer cells than there are columns, and a cell begins or "
                    "ends with a quotation mark; if cells stand in quotation marks, say --quotes"
                )
            report.notice("rows with fewer cells than there are columns; the last ones count as empty", f"line {first}")
        if marked:
            report.notice("cells whose quotation marks were kept; --quotes reads them as CSV does", marked[0])
        if reader.line_num > first:
            report.notice("rows of several lines", f"lines {first} to {reader.line_num}")
        _notice_misread(cells, reading)
        cells += [""] * (len(names) - len(cells))
        yield dict(zip(names, cells, strict=True))


def _notice_misread(cells: list[str], reading: Reading) -> None:
    """Count cells of an encoding that the user named which are UTF-8 all the same: cafÃ© was café."""
    if reading.encoding is None or codecs.lookup(reading.encoding).name.startswith("utf"):
        return
    for cell in cells:
        try:
            misread = not cell.isascii() and cell.encode(reading.encoding).decode("utf-8") != cell
        except UnicodeError:
            continue
        if misread:
            reading.report.notice(f"cells that look as if they were UTF-8 and not {reading.encoding}", cell)


def _header(reader: Any, source: Path, reading: Reading) -> list[str]:
    # programs that join files, or write a mark before each cell, leave marks that nobody sees
    first = _next(reader, source, 1)
    names = [name.replace(MARK, "") for name in first or []]
    if not names:
        what = "is empty" if first is None else "begins with an empty line"
        raise DataError(f"{source} {what}; its first line must name the columns")
    if any("\0" in name for name in names):
        wide = _wide_encoding(source)
        remedy = f"it is written in {wide}; say --encoding {wide}" if wide else "remove them"
        raise DataError(f"{source} has names of columns with the character 0 in them, {listed(names, 3)!r}; {remedy}")
    if SEPARATOR.fullmatch("".join(names)):
        raise DataError(f"{source} begins with sep=, which tells Excel what stands between columns; remove it")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{source} has several columns called {twice[0]!r}; give each a name of its own")
    if len(names) == 1 and reading.delimiter is None:
        for delimiter, spelled in OTHER_DELIMITERS.items():
            if delimiter in names[0]:
                raise DataError(
                    f"{source} has one column, {names[0]!r}; if its columns are separated by {spelled}, "
                    f"say --delimiter {spelled}"
                )
    return names


def _next(reader: Any, source: Path, first: int) -> list[str] | None:
    """The cells of the next row; None at the end."""
    try:
        cells: list[str] | None = next(reader, None)
    except csv.Error as error:
        if "field limit" in str(error):
            raise DataError(
                f"{source}: a cell of the row that begins in line {first} has more than {LONGEST:,} characters; "
                "a quotation mark may not be closed, or --no-quotes may be right"
            ) from error
        raise DataError(
            f"{source}: the row that begins in line {first} is no CSV ({error}); a quotation mark is not closed, or "
            "stands inside a cell undoubled. Fix it, or say --no-quotes if quotation marks have no meaning"
        ) from error
    return cells
