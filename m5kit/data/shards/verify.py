"""Reads a folder of shards from end to end and names everything that is damaged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tarfile import BLOCKSIZE

from m5kit.data.json_lines import JsonLines
from m5kit.data.remote.copies import fetch_anew, shown
from m5kit.data.shard_set import ABOUT, ANNOTATIONS, FAILURES, Shard, ShardSet, read_shard_set
from m5kit.data.shards.rows import row_problems
from m5kit.data.shards.write import file_digest
from m5kit.data.tars.index import TarError, index_path
from m5kit.data.tars.tar import Tar
from m5kit.errors import DataError

LONGEST_NAME = 100
"""Bytes of a name in a USTAR header."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found.

    Attributes:
        shards: what should be there.
        problems: one sentence each; empty if all is well.
    """

    shards: ShardSet
    problems: tuple[str, ...]


def verify(root: Path) -> Verified:
    """Compare sizes, checksums, indexes, rows and counts with what was written.

    Raises:
        DataError: the folder holds no shards, or what describes them is damaged.
    """
    found = read_shard_set(root)
    if found is None:
        raise DataError(f"{shown(root)} holds no {ABOUT}; m5kit data prepare writes it when all shards are there")
    modalities = found.plan.get("modalities")
    if not isinstance(modalities, list) or not all(isinstance(name, str) for name in modalities):
        raise DataError(f"{shown(root)}/{ABOUT} is damaged: its plan names no modalities; prepare the shards again")
    manifest = root / ANNOTATIONS
    rows = JsonLines(manifest) if manifest.is_file() else None
    problems = list(_count_problems(root, rows, found))
    first = 0
    for shard in found.shards:
        wrong = _shard_problems(root, shard)
        # with rows too many or too few nobody knows which belong to which shard
        if rows is not None and not wrong and len(rows) == found.items:
            wrong += row_problems(root / shard.name, shard, rows, first, modalities)
        first += shard.items
        problems += wrong
    return Verified(found, tuple(problems))


def _count_problems(root: Path, rows: JsonLines | None, found: ShardSet) -> Iterator[str]:
    count = 0 if rows is None else len(rows)
    if count != found.items:
        yield f"{ANNOTATIONS} lists {count} items, and the shards hold {found.items}"
    listed = len(JsonLines(root / FAILURES)) if (root / FAILURES).is_file() else 0
    told = sum(shard.failures for shard in found.shards)
    if listed != told:
        yield f"{FAILURES} lists {listed} failures, and {ABOUT} counts {told}"


def _shard_problems(root: Path, shard: Shard) -> list[str]:
    """What is wrong with one shard; the members that are damaged by name, where they can be told."""
    path = root / shard.name
    # a copy of a file behind a URL says nothing about that file
    fetch_anew(str(index_path(path)))
    fetch_anew(str(path))
    if not path.is_file():
        return [f"{shard.name} is missing, with {shard.items} items"]
    index = index_path(path)
    if not index.is_file() or file_digest(index) != shard.index_sha256:
        return [f"{index.name} is missing or damaged; the items of {shard.name} cannot be found"]
    if path.stat().st_size == shard.bytes and file_digest(path) == shard.sha256:
        return []
    problems = list(_damaged_members(path))
    return problems or [f"{shard.name} is damaged between its members; every member is whole"]


def _damaged_members(path: Path) -> Iterator[str]:
    """A sentence for each member that is not what was written."""
    opened = Tar(path)
    with path.open("rb") as file:
        for _, offset, size, check in opened.index.tolist():
            # an index knows hashes of names; the name itself begins the header, a block before the contents
            file.seek(offset - BLOCKSIZE)
            name = file.read(LONGEST_NAME).rstrip(b"\0").decode("utf-8", "replace")
            try:
                opened.view_at(name or f"the member at byte {offset}", offset, size, check)
            except TarError as error:
                yield str(error)
