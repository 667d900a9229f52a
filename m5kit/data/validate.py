"""Looks for everything that is wrong with a manifest and its media files before a run finds out."""

import os
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.data.decode.base import Decoder
from m5kit.data.decode.table import TableDecoder
from m5kit.data.decode.text import TextDecoder
from m5kit.data.files import require_file
from m5kit.data.json_lines import PATHS
from m5kit.data.manifest_rows import MODALITIES, Problem, open_rows
from m5kit.data.oddities import Oddities
from m5kit.data.remote.place import as_place, local_folder
from m5kit.data.several import each_value
from m5kit.data.summary import in_order, look_through, name_of, repeated
from m5kit.errors import DecodeError

DEFAULT_DECODERS: Mapping[str, str] = {
    "audio": "sound",
    "image": "simplejpeg",
    "table": "table",
    "text": "text",
    "video": "pyav",
}
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(?://|[a-z]+/)")
"""How URLs begin: ``https://``, ``data:image/``."""

VALUES: Mapping[str, type[Decoder]] = {"text": TextDecoder, "table": TableDecoder}
"""Decoders of what stands in the row itself."""


@dataclass(frozen=True, slots=True)
class ManifestCheck:
    """What a manifest holds and what is wrong with it.

    Attributes:
        path: the manifest.
        modalities: what was looked for, the letters of a pattern in this order.
        items: how many rows.
        problems: in the order of the file.
        splits: items by split.
        presence: by split, how many items have each modality.
        patterns: how many items have exactly these modalities, the most frequent first.
        notes: what is allowed, and odd: keys that are not read, ids and classes that look alike.
    """

    path: Path
    modalities: tuple[str, ...]
    items: int
    problems: tuple[Problem, ...]
    splits: Mapping[str, int]
    presence: Mapping[str, Mapping[str, int]]
    patterns: Mapping[tuple[str, ...], int]
    notes: tuple[str, ...] = ()


def validate(
    manifest: Path | str,
    decode: bool = False,
    modalities: Sequence[str] = MODALITIES,
    follow_links: bool = False,
) -> ManifestCheck:
    """Check every row and its values, and that every file is there; with ``decode`` also that it can be decoded.

    Args:
        manifest: the file, or its folder.
        decode: open and decode every file with the default decoders; slow, and sure.
        modalities: the keys to read as modalities.
        follow_links: also look at what links out of the folder lead to.

    Raises:
        DataError: there is no manifest to look at, or it is empty.
    """
    rows = open_rows(local_folder(as_place(manifest)), follow_links=follow_links)
    # A text or a table stands in the row itself: looking at it opens nothing.
    read = modalities if decode else [m for m in modalities if m in VALUES]
    checks = _Checks(rows.path.parent, _decoders(read, follow_links), follow_links)
    problems: dict[int, list[Problem]] = {}
    hashes = array("q")
    oddities = Oddities(modalities)
    splits: Counter[str] = Counter()
    presence: dict[str, Counter[str]] = {}
    patterns: Counter[tuple[str, ...]] = Counter()
    for index, (record, found) in enumerate(look_through(rows, modalities)):
        key = name_of(record)
        hashes.append(hash(key))
        oddities.look_at(record)
        wrong = {problem.field for problem in found}
        given = [m for m in modalities if record.get(m) is not None]
        # a value of the wrong type is reported already; no decoder needs to refuse it again
        values = {m: record[m] for m in given if m not in wrong}
        empty = "row" not in wrong and not given
        missing = [("row", f"has no modality; expected at least one of {', '.join(modalities)}")] if empty else []
        for field, message in (*missing, *checks.problems(values)):
            found.append(Problem(rows.place(index), key, field, message))
        if found:
            problems[index] = found
        split = str(record.get("split") or "")
        splits[split] += 1
        presence.setdefault(split, Counter()).update(values.keys())
        patterns[tuple(values)] += 1
    return ManifestCheck(
        path=rows.path,
        modalities=tuple(modalities),
        items=len(rows),
        problems=in_order(problems, repeated(rows, hashes)),
        splits=dict(sorted(splits.items())),
        presence=presence,
        patterns=dict(patterns.most_common()),
        notes=tuple(oddities.sentences(hashes)),
    )


@dataclass(frozen=True, slots=True)
class _Checks:
    """What can be wrong with the values of a row.

    Attributes:
        root: the manifest's folder.
        decoders: by modality.
        follow_links: whether files behind links out of the folder count as there.
    """

    root: Path
    decoders: Mapping[str, Decoder]
    follow_links: bool

    def problems(self, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Pairs (modality, message)."""
        for modality, several in values.items():
            for value in each_value(several):
                message = self._problem(modality, value)
                if message is not None:
                    yield modality, message

    def _problem(self, modality: str, value: Any) -> str | None:
        message = self._file_problem(value) if modality in PATHS else None
        if message is None and modality in self.decoders:
            return self._decode_problem(self.decoders[modality], value)
        return message

    def _file_problem(self, path: str) -> str | None:
        if "#" in path:  # one of many items in a file or a pack: its decoder knows what is in it
            return None
        try:
            require_file(path, self.root, self.follow_links)
        except DecodeError as error:
            return _plain_words(path, self.root) or str(error)
        return None

    def _decode_problem(self, decoder: Decoder, value: Any) -> str | None:
        try:
            decoder(value, self.root)
        except Exception as error:  # a plugin's decoder, or a library, may raise anything; the run counts it too
            return str(error) if isinstance(error, DecodeError) else f"{type(error).__name__}: {error}"
        return None


def _plain_words(path: str, root: Path) -> str | None:
    """The usual mistakes, shorter than a decoder words them."""
    # by the text alone: resolving would follow links, which are judged elsewhere
    inside = os.path.normpath(path)
    if os.path.isabs(path) or inside.split(os.sep)[0] == os.pardir:
        return f"{path} leaves the manifest's folder; use a path relative to it"
    file = root / inside
    try:
        if not file.is_file():
            return f"{path} is {'no file' if file.exists() else 'missing'}{_hint(path)}"
        return f"{path} is empty (0 bytes)" if file.stat().st_size == 0 else None
    except (OSError, ValueError) as error:  # a name too long for the file system, a folder that may not be entered
        return f"{_shortened(path)} cannot be opened: {error.strerror if isinstance(error, OSError) else error}"


def _hint(path: str) -> str:
    """Why a file may not be found by its name."""
    if ADDRESS.match(path):
        return "; it looks like an address: fetch the file, and write where it lies in the manifest's folder"
    if path.startswith("~"):
        return "; ~ stands for no folder here: use a path relative to the manifest"
    return "; between folders stands /" if "\\" in path and "/" not in path else ""


def _shortened(text: str, letters: int = 80) -> str:
    return text if len(text) <= letters else f"{text[:letters]}… ({len(text):,} letters)"


def _decoders(modalities: Sequence[str], follow_links: bool) -> dict[str, Decoder]:
    decoders: dict[str, Decoder] = {}
    for modality in modalities:
        if modality in VALUES:
            decoders[modality] = VALUES[modality]()
        elif modality in DEFAULT_DECODERS:
            from m5kit.registry import DECODERS  # brings mmengine and torch, which plain validation does without

            decoders[modality] = DECODERS.build({"type": DEFAULT_DECODERS[modality]})
            decoders[modality].follow_links = follow_links
    return decoders
