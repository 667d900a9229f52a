"""Compares the manifest of a folder of shards with what was written beside its items into the tar files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.json_lines import APART, JsonLines
from m5kit.data.json_values import parse_json
from m5kit.data.manifest_rows import check_row
from m5kit.data.several import each_value
from m5kit.data.shard_set import ANNOTATIONS, Shard, member_stem
from m5kit.data.shards.write import is_member
from m5kit.data.tars.index import TarError
from m5kit.data.tars.tar import Tar


def row_problems(path: Path, shard: Shard, rows: JsonLines, first: int, modalities: Sequence[str]) -> Iterator[str]:
    """What the rows of one shard, its tar file and ``shards.json`` say differently, in sentences.

    Args:
        path: the tar file, whole and with its index.
        shard: what ``shards.json`` says.
        rows: of the manifest.
        first: the first row of this shard.
        modalities: of ``shards.json``.
    """
    tar = Tar(path)
    if len(tar.index) != shard.members:
        yield f"{shard.name} holds {len(tar.index)} members, and shards.json says {shard.members}"
    found = []
    changed: dict[str, list[str]] = {}
    for index in range(first, first + shard.items):
        row, problems = check_row(rows, index, modalities)
        found.append(row)
        why = problems[0][1] if problems else _difference(tar, row, modalities)
        if why is not None:
            changed.setdefault(why, []).append(rows.place(index))
    for why, places in changed.items():
        count = "1 row" if len(places) == 1 else f"{len(places)} rows"
        yield f"{ANNOTATIONS}: {count} of {shard.name}, such as {places[0]}: {why}"
    yield from _presence_problems(shard, found, modalities)


def _difference(tar: Tar, row: Mapping[str, Any], modalities: Sequence[str]) -> str | None:
    """Why a row is not the one that was written; None if it is."""
    stem = member_stem(row["id"])
    members = {name: value for name, value in row.items() if name in modalities and is_member(value, tar.path.name)}
    try:
        written = parse_json(tar.read(f"{stem}.json"), APART)
        for name in _paths(members):
            tar.size(name)
    except (TarError, ValueError) as error:
        return f"it does not belong there ({error})"
    if written != {name: value for name, value in row.items() if not is_member(value, tar.path.name)}:
        return "it was changed; the tar file holds what was written"
    for modality, value in members.items():
        for name in _paths({modality: value}):
            if not name.startswith(f"{stem}.{modality}."):
                return f"it names a member of something else, {name}"
    return None


def _paths(members: Mapping[str, Any]) -> list[str]:
    """The names of members, without that of their tar file."""
    paths: list[str] = []
    for value in members.values():
        paths += [each.partition("/")[2] for each in each_value(value)]
    return paths


def _presence_problems(shard: Shard, rows: Sequence[Mapping[str, Any]], modalities: Sequence[str]) -> Iterator[str]:
    present = np.array([[row.get(name) is not None for name in modalities] for row in rows], np.bool_)
    counts = dict(zip(modalities, present.sum(0).tolist(), strict=True)) if len(rows) else {}
    if {name: count for name, count in shard.counts.items() if count} != {n: c for n, c in counts.items() if c}:
        yield f"shards.json says that {shard.name} holds {dict(shard.counts)}, and its rows have {counts}"
    elif np.packbits(present).tobytes().hex() != shard.presence:
        yield f"shards.json says wrongly which items of {shard.name} have which modalities"
