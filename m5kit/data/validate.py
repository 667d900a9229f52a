"""Look for everything that is wrong with a manifest and its media files before a run finds out."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.data.manifest_rows import MODALITIES, PATHS, Problem, open_rows, scan
from m5kit.errors import DecodeError

DEFAULT_DECODERS: Mapping[str, str] = {
    "audio": "sound",
    "image": "pillow",
    "table": "table",
    "text": "text",
    "video": "pyav",
}


@dataclass(frozen=True, slots=True)
class Validation:
    """What a manifest holds and what is wrong with it.

    Attributes:
        path: the manifest.
        modalities: what was looked for, the letters of a pattern in this order.
        items: how many rows.
        problems: in the order of the file.
        splits: items by split.
        presence: by split, how many items have each modality.
        patterns: how many items have exactly these modalities, the most frequent first.
    """

    path: Path
    modalities: tuple[str, ...]
    items: int
    problems: tuple[Problem, ...]
    splits: Mapping[str, int]
    presence: Mapping[str, Mapping[str, int]]
    patterns: Mapping[tuple[str, ...], int]


def validate(manifest: Path | str, decode: bool = False, modalities: Sequence[str] = MODALITIES) -> Validation:
    """Check every row, and that every file is there; with ``decode`` also that the default decoders can read it.

    Args:
        manifest: the file, or its folder.
        decode: open and decode everything; slow, and sure.
        modalities: the keys to read as modalities.

    Raises:
        DataError: there is no manifest to look at, or it is empty.
    """
    rows = open_rows(Path(manifest))
    root = rows.path.parent
    decoders = _decoders(modalities) if decode else {}
    problems: list[Problem] = []
    splits: Counter[str] = Counter()
    presence: dict[str, Counter[str]] = {}
    patterns: Counter[tuple[str, ...]] = Counter()
    for index, (record, found) in enumerate(scan(rows, modalities)):
        problems += found
        wrong = {problem.field for problem in found}
        values = {m: record[m] for m in modalities if record.get(m) is not None and m not in wrong}
        empty = "row" not in wrong and not any(record.get(m) is not None for m in modalities)
        missing = [("row", f"has no modality; expected at least one of {', '.join(modalities)}")] if empty else []
        for field, message in (*missing, *_media_problems(values, root, decoders)):
            key = record.get("id")
            problems.append(Problem(rows.place(index), key if isinstance(key, str) else "", field, message))
        split = str(record.get("split") or "")
        splits[split] += 1
        presence.setdefault(split, Counter()).update(values.keys())
        patterns[tuple(values)] += 1
    return Validation(
        path=rows.path,
        modalities=tuple(modalities),
        items=len(rows),
        problems=tuple(problems),
        splits=dict(sorted(splits.items())),
        presence=presence,
        patterns=dict(patterns.most_common()),
    )


def _decoders(modalities: Sequence[str]) -> dict[str, Any]:
    from m5kit.registry import DECODERS  # brings mmengine and torch, which plain validation does without

    return {m: DECODERS.build({"type": DEFAULT_DECODERS[m]}) for m in modalities if m in DEFAULT_DECODERS}


def _media_problems(values: Mapping[str, Any], root: Path, decoders: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for modality, value in values.items():
        message = _file_problem(value, root) if modality in PATHS else None
        if message is None and modality in decoders:
            message = _decode_problem(decoders[modality], value, root)
        if message is not None:
            yield modality, message


def _file_problem(path: str, root: Path) -> str | None:
    # a link inside the folder may lead anywhere: its owner put it there
    inside = os.path.normpath(path)
    if os.path.isabs(path) or inside.split(os.sep)[0] == os.pardir:
        return f"{path} leaves the manifest's folder; use a path relative to it"
    file = root / inside
    try:
        if not file.is_file():
            return f"{path} is {'no file' if file.exists() else 'missing'}"
        return f"{path} is empty (0 bytes)" if file.stat().st_size == 0 else None
    except (OSError, ValueError) as error:  # a name too long for the file system, a folder that may not be entered
        return f"{_shortened(path)} cannot be opened: {error.strerror if isinstance(error, OSError) else error}"


def _shortened(text: str, letters: int = 80) -> str:
    return text if len(text) <= letters else f"{text[:letters]}… ({len(text):,} letters)"


def _decode_problem(decoder: Any, value: Any, root: Path) -> str | None:
    try:
        decoder(value, root)
    except DecodeError as error:
        return str(error)
    return None
