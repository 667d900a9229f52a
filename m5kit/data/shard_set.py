"""What a folder of shards holds, and how its parts are called.

``annotations.jsonl`` is a manifest like any other; its paths lead into the tar files. ``shards.json`` describes these.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote

from m5kit.data.aside import written_aside
from m5kit.data.json_values import parse_json
from m5kit.errors import DataError

ABOUT = "shards.json"
FAILURES = "failures.jsonl"
ANNOTATIONS = "annotations.jsonl"
VERSION = 1
LONGEST_STEM = 60
"""Characters; a USTAR header has 100 bytes for the name of a member, modality and extension included."""


@dataclass(frozen=True, slots=True)
class Shard:
    """What ``shards.json`` says about one tar file.

    Attributes:
        name: of the file.
        items: how many it holds.
        members: how many files are in it.
        bytes: its size.
        sha256: of the tar file.
        index_sha256: of the index beside it.
        counts: how many of its items have each modality.
        presence: a bit for each item and modality, items first, modalities in the order of the data set, packed as
            ``numpy.packbits`` does and written in hexadecimal.
        failures: how many modalities of items could not be taken in.
    """

    name: str
    items: int
    members: int
    bytes: int
    sha256: str
    index_sha256: str
    counts: Mapping[str, int]
    presence: str
    failures: int

    def __post_init__(self) -> None:
        for name in ("items", "members", "bytes", "failures"):
            _require_count(name, getattr(self, name))
        for modality, count in self.counts.items():
            _require_count(f"counts.{modality}", count)


def _require_count(name: str, value: Any) -> None:
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} must be a whole number from 0 on, got {value!r}")


@dataclass(frozen=True, slots=True)
class ShardSet:
    """What ``shards.json`` says.

    Attributes:
        plan: what was asked for: the source, the options, and how media were prepared.
        shards: in the order of the items.
    """

    plan: Mapping[str, Any]
    shards: tuple[Shard, ...]

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(shard.items for shard in self.shards)

    @property
    def prepared(self) -> Mapping[str, Mapping[str, Any]]:
        """By modality, how its media were prepared; untouched ones are missing keys."""
        prepared: Mapping[str, Mapping[str, Any]] = self.plan["prepared"]
        return prepared


def shard_name(number: int) -> str:
    """The name of the tar file of a shard."""
    return f"{number:06d}.tar"


def member_stem(item: str) -> str:
    """The key that the members of an item share, such as any WebDataset reader takes for its name.

    Example:
        >>> member_stem("shoe 1.5")
        'shoe%201%2E5'
    """
    # A reader takes what stands before the first dot for the key; quote() leaves dots as they are.
    stem = quote(item, safe="").replace(".", "%2E")
    if len(stem) <= LONGEST_STEM:
        return stem
    return f"{stem[:40]}-{blake2b(item.encode(), digest_size=8).hexdigest()}"


def member_suffix(path: str) -> str:
    """The extension of a member that was copied from ``path``, without a dot.

    Example:
        >>> member_suffix("a/B.JPG"), member_suffix("a/b")
        ('jpg', 'bin')
    """
    suffix = os.path.splitext(path)[1][1:].lower()
    return suffix if re.fullmatch(r"[a-z0-9]{1,12}", suffix) else "bin"


def as_lines(rows: list[Any]) -> str:
    """Rows as JSON lines."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def as_text(found: ShardSet) -> str:
    """The text of ``shards.json``."""
    described = {"version": VERSION, "plan": found.plan, "shards": [asdict(shard) for shard in found.shards]}
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def read_shard_set(root: Path) -> ShardSet | None:
    """What ``shards.json`` in a folder says; None without one.

    Raises:
        DataError: it is damaged, or of a later version.
    """
    path = root / ABOUT
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is damaged ({type(error).__name__}: {error}); prepare the shards again") from error
    return parse_shard_set(text, str(path))


def parse_shard_set(text: str, path: str) -> ShardSet:
    """What the text of a ``shards.json`` says; messages name it by ``path``.

    Raises:
        DataError: it is damaged, or of a later version.
    """
    try:
        found = parse_json(text)
        if found["version"] != VERSION:
            raise DataError(f"{path} has version {found['version']}, and this m5kit reads version {VERSION}")
        opened = ShardSet(found["plan"], tuple(Shard(**shard) for shard in found["shards"]))
        opened.prepared.keys()  # a KeyError now, not later
        if any(shard.name != shard_name(number) for number, shard in enumerate(opened.shards)):
            raise ValueError("it names other files than its shards")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} is damaged ({type(error).__name__}: {error}); prepare the shards again") from error
    return opened


def write_whole(path: Path, text: str) -> None:
    """Write a file aside and rename it: it is there as a whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
