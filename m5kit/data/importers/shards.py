"""Finds the files of a source that is spread over a folder, and tells what a file is that cannot be read."""

from pathlib import Path

from m5kit.data.importers.reading import Reading
from m5kit.data.importers.walk import walk

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
BZIP2 = b"BZh"
XZ = b"\xfd7zXZ"
PACKED = {
    GZIP: "compressed with gzip",
    ZSTD: "compressed with zstd",
    BZIP2: "compressed with bzip2",
    XZ: "compressed with xz",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"PK\x03\x04": "a zip archive, or a file of Excel",
    b"\xd0\xcf\x11\xe0": "a file of an old Excel or Word",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "a database of SQLite",
}
"""What files are by their first bytes."""


def find_shards(
    folder: Path, endings: tuple[str, ...], reading: Reading, hidden: tuple[str, ...] = (".",)
) -> list[Path]:
    """The regular files in a folder that have one of some endings, in order.

    Args:
        folder: with folders in it.
        endings: in small letters, such as ``.tar``.
        reading: counts what is left out: other files, hidden ones, links that lead out of the folder.
        hidden: how names of hidden files and folders begin.
    """
    found = []
    left_out = reading.report.leave_out
    for place, names in walk(folder, reading.follow_links, left_out, hidden):
        for name in names:
            path = folder / place / name
            if not name.lower().endswith(endings):
                left_out(f"files whose name does not end with {' or '.join(endings)}", place / name)
            elif path.is_file():  # opening a pipe would wait for its other end
                found.append(path)
            else:
                left_out("pipes, devices and links to nothing", place / name)
    return sorted(found)


def packed_as(path: Path) -> str | None:
    """What a file is by its first bytes, for messages; None if they tell nothing, or cannot be read."""
    try:
        with path.open("rb") as file:
            first = file.read(16)
    except OSError:
        return None
    return next((what for start, what in PACKED.items() if first.startswith(start)), None)
