"""Writes one shard: a pure function of its rows, so that any process may do it, and a killed one does no harm."""

import hashlib
import io
import json
import tarfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.aside import written_aside
from m5kit.data.decode._arrays import read_arrays
from m5kit.data.failures import failures_of
from m5kit.data.files import UNBOUNDED, find_file
from m5kit.data.json_lines import PATHS
from m5kit.data.json_values import without_nan
from m5kit.data.remote.ahead import fetch_together
from m5kit.data.remote.place import Place, local_folder
from m5kit.data.several import each_value, single_if_alone
from m5kit.data.shard_set import Shard, member_stem, member_suffix, shard_name
from m5kit.data.shards.output import PARTS, Output
from m5kit.data.shards.prepared import build_preparer
from m5kit.data.shards.preparer import Preparer
from m5kit.data.tars.index import Entry, index_path, make_index, save_index
from m5kit.errors import DecodeError
from m5kit.structures import Failure, Sample

IN_ROWS = ("table", "text")
"""Modalities whose values stand in the manifest itself."""

LARGEST_ARRAYS = 64 * 2**20
"""Bytes of one item's features in a file of many."""


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What one shard is made of.

    Attributes:
        output: the folder of shards.
        source: the manifest or its folder, or the URL of one; paths are relative to the folder.
        modalities: in the order of the data set.
        prepared: by modality, the settings of what its media become; without an entry they stay as they are.
        follow_links: also read files behind links out of ``root``.
    """

    output: Output
    source: Place
    modalities: tuple[str, ...]
    prepared: Mapping[str, Mapping[str, Any]]
    follow_links: bool

    @property
    def root(self) -> Path:
        """The folder on this machine that paths are relative to."""
        found = local_folder(self.source)
        return found if found.is_dir() else found.parent


def part_name(number: int) -> str:
    """The file of :data:`PARTS` that says that a shard is finished, and what is in it."""
    return f"{number:06d}.json"


@dataclass
class _Open:
    """A shard that is being written."""

    tar: tarfile.TarFile
    entries: list[Entry] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)  # its time is 0 and its owner nobody: the same bytes on every machine
        info.size = len(content)
        # USTAR: the header is one block, whatever the name, so the contents begin right behind it
        self.entries.append((name, self.tar.offset + tarfile.BLOCKSIZE, len(content), zlib.crc32(content)))
        self.tar.addfile(info, io.BytesIO(content))


def write_shard(job: ShardJob, number: int, samples: Sequence[Sample]) -> dict[str, Any]:
    """Write tar file, index and part file, in this order; each appears as a whole or not at all.

    A modality that cannot be taken in is a recorded failure; its item goes on without it.

    Returns:
        What ``shards.json`` says about the shard.
    """
    fetch_together(samples, job.root)
    name = shard_name(number)
    with job.output.workplace() as folder:
        rows, shard = _write_tar(job, folder / name, samples)
        index = index_path(folder / name)
        save_index(index, make_index(shard.entries))
        described = asdict(_describe(job, folder / name, rows, shard))
        part = {
            "shard": described,
            "rows": rows,
            "failures": [asdict(failure) for failure in shard.failures],
        }
        for finished in (name, index.name):
            job.output.take(finished, folder)
    job.output.write(f"{PARTS}/{part_name(number)}", json.dumps(part, ensure_ascii=False))
    return described


def _write_tar(job: ShardJob, tar: Path, samples: Sequence[Sample]) -> tuple[list[dict[str, Any]], _Open]:
    """Write a tar file aside and rename it; the rows of its items, and what is in it."""
    preparers = {modality: build_preparer(settings) for modality, settings in job.prepared.items()}
    with written_aside(tar) as aside, tarfile.open(aside, "w", format=tarfile.USTAR_FORMAT) as archive:
        shard = _Open(archive)
        rows = [_add_item(shard, job, preparers, tar.name, sample) for sample in samples]
    return rows, shard


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add_item(
    shard: _Open, job: ShardJob, preparers: Mapping[str, Preparer], tar: str, sample: Sample
) -> dict[str, Any]:
    """Add the members of one item; its row of the new manifest."""
    row: dict[str, Any] = {"id": sample.id, "split": sample.split}
    stem = member_stem(sample.id)
    for modality in job.modalities:
        preparer = preparers.get(modality)
        reference = _reference(sample, modality, preparer)
        if reference is None:
            continue
        written = _add_values(shard, job, preparer, tar, sample.id, modality, reference)
        if written is not None:
            row[modality] = written
    row |= {"labels": dict(sample.labels), **without_nan(sample.extra)}
    # Readers of WebDataset see no manifest: what stands in the row comes with the item, too.
    inline = {key: value for key, value in row.items() if not is_member(value, tar)}
    shard.add(f"{stem}.json", json.dumps(inline, ensure_ascii=False).encode())
    return row


def _add_values(
    shard: _Open, job: ShardJob, preparer: Preparer | None, tar: str, item: str, modality: str, reference: Any
) -> Any:
    """Add the values of a modality that can be read; what the row says of them, None if there are none.

    Of several values the members are numbered: ``a1.image.0.jpg``.
    """
    values, stem = each_value(reference), f"{member_stem(item)}.{modality}"
    written: list[Any] = []
    damaged: dict[int, str] = {}
    for number, value in enumerate(values):
        try:
            made = _content(job, modality, value, preparer)
        except DecodeError as error:
            damaged[number] = str(error)
            continue
        if made is None:
            return _as_json(shard, item, modality, reference)  # it stands in the row as a whole
        name = f"{stem}.{number}.{made[1]}" if len(values) > 1 else f"{stem}.{made[1]}"
        shard.add(name, made[0])
        written.append(f"{tar}/{name}")
    shard.failures += failures_of(item, modality, damaged, lost=not written)
    return single_if_alone(written) if written else None


def _as_json(shard: _Open, item: str, modality: str, value: Any) -> Any:
    """A value as every reader of JSON takes it; that a number had no form in JSON is a failure on record."""
    try:
        json.dumps(value, allow_nan=False)
        return value
    except ValueError:
        said = "numbers that are none (NaN, infinity) became null"
        shard.failures += failures_of(item, modality, {0: said}, lost=False)
        return without_nan(value)


def _reference(sample: Sample, modality: str, preparer: Preparer | None) -> Any:
    """What is taken in: the item's own, or what the preparer reads in its place."""
    own = sample.sources.get(modality)
    return sample.sources.get(preparer.source) if own is None and preparer and preparer.source else own


def _content(job: ShardJob, modality: str, reference: Any, preparer: Preparer | None) -> tuple[bytes, str] | None:
    """The bytes of a member and its extension; None for a value that stays in the row.

    Raises:
        DecodeError: the file cannot be read, or not be prepared.
    """
    if preparer is not None:
        return preparer(reference, job.root, job.follow_links)
    if modality in IN_ROWS or not isinstance(reference, str):
        return None
    try:
        path = find_file(reference, job.root, UNBOUNDED, job.follow_links)
    except DecodeError:
        if "#" in reference:
            return _arrays(job, reference)
        if modality in PATHS:
            raise
        return None  # a modality of a plugin, whose values need not be paths
    return path.read_bytes(), member_suffix(reference)


def _arrays(job: ShardJob, reference: str) -> tuple[bytes, str]:
    """One of many items in a file of features, as a file of its own.

    Raises:
        DecodeError: nothing usable is there.
    """
    arrays = read_arrays(
        reference, lambda name, most: find_file(name, job.root, most, job.follow_links), "features", LARGEST_ARRAYS
    )
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # numpy takes any name of an array
    return content.getvalue(), "npz"


def is_member(value: Any, tar: str) -> bool:
    """Whether a value of a row is the path of a member of this tar file, or several of them."""
    return all(isinstance(each, str) and each.startswith(f"{tar}/") for each in each_value(value))


def _describe(job: ShardJob, tar: Path, rows: Sequence[Mapping[str, Any]], shard: _Open) -> Shard:
    present = np.array([[modality in row for modality in job.modalities] for row in rows], np.bool_)
    counts: Counter[str] = Counter(dict(zip(job.modalities, present.sum(0).tolist(), strict=True)))
    return Shard(
        name=tar.name,
        items=len(rows),
        members=len(shard.entries),
        bytes=tar.stat().st_size,
        sha256=file_digest(tar),
        index_sha256=file_digest(index_path(tar)),
        counts=dict(counts),
        presence=np.packbits(present).tobytes().hex(),
        failures=len(shard.failures),
    )
