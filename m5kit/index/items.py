"""Reads the items of a run's data as rows of an index, and embeds them piece by piece."""

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.assembly.data import EVAL_BATCH
from m5kit.data.collate import collate
from m5kit.data.dataset import Prepared
from m5kit.data.failures import FailureLog
from m5kit.data.manifest import Manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.remote.place import Place, is_remote
from m5kit.data.several import each_value, single_if_alone
from m5kit.errors import DecodeError, UsageError
from m5kit.evaluation.precision import Precision
from m5kit.index.about import IndexInfo, Shown
from m5kit.index.approximate import Say
from m5kit.index.identity import fingerprint
from m5kit.index.rows import LONGEST_WORDS, Row, item_values, learn_columns
from m5kit.inference.embedding import check_space
from m5kit.inference.passes import failed_sentences, known_modalities
from m5kit.inference.shortening import is_nested
from m5kit.inference.trained_run import TrainedRun
from m5kit.parallel.device import default_device
from m5kit.public.forward import require_names
from m5kit.structures import Batch, Sample

log = logging.getLogger("m5kit")

PIECE = 4096
"""Items that are embedded and written at once; a multiple of the batch, so that no batch is cut."""

LARGEST = 2**27
"""Bytes of vectors from which on an update writes a change, which is in the index whole or not at all: 128 MiB are
131,072 items of width 256. The store keeps all that it merges in memory, with a copy."""

PROBED = 20
"""Items that are decoded to see what a modality is, should the first ones be damaged."""


@dataclass(frozen=True, eq=False)
class RunItems:
    """Items with the run that embeds them.

    Attributes:
        run: opened on their data.
        manifest: the items.
        modalities: the only ones that the run sees of them; None for all.
        space: which vector of an item.
        shown: what each modality is to a reader.
    """

    run: TrainedRun
    manifest: Manifest
    modalities: tuple[str, ...] | None
    space: str
    shown: Mapping[str, Shown]

    @classmethod
    def open(
        cls, run: Path, data: Place | None, splits: Sequence[str] | None, modalities: Sequence[str] | None, space: str
    ) -> "RunItems":
        """Load the run and look at the items; no media file is opened but the first of each modality.

        Raises:
            CheckpointError: there is no run.
            DataError: there are no items.
            ConfigError: the splits are no list of names.
        """
        require_names(splits, "splits")
        require_names(modalities)
        if splits is not None and not splits:
            raise UsageError(["splits: name at least one, or None for all"])
        # Workers of a loader are forked, and a fork while the store's threads run may hang.
        overrides = ["data.workers=0"] if "lancedb" in sys.modules else []
        opened = TrainedRun.open(run, data=data, overrides=overrides)
        manifest = opened.data.manifest if splits is None else opened.data.samples(*splits)
        seen = None if modalities is None else tuple(sorted(set(modalities)))
        known_modalities(opened.model, seen)
        check_space(opened.model, space)
        return cls(opened, manifest, seen, space, _what_is_shown(manifest, opened))

    def about(self, precision: Precision, width: int | None = None) -> IndexInfo:
        """What an index of these items knows of itself.

        Args:
            precision: of the stored numbers.
            width: numbers that are kept of a vector; None for all.

        Raises:
            ConfigError: vectors cannot be kept so.
        """
        nothing = self._vectors(collate([Prepared("", {})], self.run.model.modalities))
        columns, left_out = learn_columns(self._row(sample) for sample in self.manifest)
        if left_out:
            log.warning("%d rare properties are no columns to filter by, such as %s", len(left_out), left_out[0])
        about = IndexInfo(
            width=nothing.shape[1],
            precision=precision,
            run=str(self.run.folder.path.resolve()),
            fingerprint=fingerprint(self.run.folder.path),
            space=self.space,
            modalities=self.shown,
            seen=self.modalities or (),
            data=_place_of(self.run),
            columns=columns,
        )
        return about.shortened(width, is_nested(self.run.config, self.space))

    def pieces(self, say: Say) -> Iterator[tuple[Sequence[Row], NDArray[np.float32]]]:
        """Rows with their vectors, a piece at a time, so that memory does not grow with the number of items.

        Items without anything that the run reads are left out, and counted.
        """
        failures = FailureLog(self.run.folder.failures, self.run.config.data.max_failed)
        samples, done, empty = iter(self.manifest), 0, 0
        for batches in _groups(self._batches(failures), PIECE // EVAL_BATCH):
            vectors = np.concatenate([self._vectors(batch) for batch in batches])
            piece = list(islice(samples, len(vectors)))
            some = vectors.any(1)
            done, empty = done + len(piece), empty + int((~some).sum())
            if some.any():
                yield [self._row(piece[number]) for number in np.flatnonzero(some)], vectors[some]
            say(f"{done:,} of {len(self.manifest):,} items")
        for sentence in failed_sentences(failures, self.run.folder.failures):
            say(sentence)
        if empty:
            say(f"{empty:,} items have nothing that the run can read; they are left out")

    def _batches(self, failures: FailureLog) -> Iterator[Batch]:
        for batch, *_ in self.run.data.eval_loader(self.manifest):
            failures.update(batch)  # of an item with several rows the first one counts
            yield batch

    def _vectors(self, batch: Batch) -> NDArray[np.float32]:
        seen = batch if self.modalities is None else batch.only(self.modalities)
        vectors: NDArray[np.float32] = self.run.model.embed(seen.to(default_device())).vectors(self.space).numpy()
        return vectors

    def _row(self, sample: Sample) -> Row:
        """One item beside its vector."""
        sources: dict[str, Any] = {}
        for name, kind in self.shown.items():
            # a modality that reads another's file shows nothing of its own
            own = sample.sources.get(name)
            if own is not None:
                sources[name] = self._words(name, own) if kind == "words" else single_if_alone(each_value(own))
        return Row(sample.id, sample.split, item_values(sample.labels, sample.sources), sources)

    def _words(self, name: str, source: Any) -> str:
        return " · ".join(filter(None, (self._decoded(name, value) for value in each_value(source))))[:LONGEST_WORDS]

    def _decoded(self, name: str, value: Any) -> str:
        """What one value says; nothing if it cannot be read."""
        pipeline = self.run.data.pipelines.get(name)
        if pipeline is None or pipeline.join:  # one column of several that are read as one text
            return str(value)
        try:
            return str(pipeline.decode(value, self.run.data.root))
        except DecodeError:
            return ""


def gathered(
    pieces: Iterable[tuple[Sequence[Row], NDArray[np.float32]]],
) -> Iterator[tuple[Sequence[Row], NDArray[np.float32]]]:
    """Pieces, which are rows with their vectors, put together to changes of an index, as few as ``LARGEST`` allows."""
    rows: list[Row] = []
    parts: list[NDArray[np.float32]] = []
    for more, vectors in pieces:
        rows += more
        parts.append(vectors)
        if sum(part.nbytes for part in parts) >= LARGEST:
            yield rows, np.concatenate(parts)
            rows, parts = [], []
    if rows:
        yield rows, np.concatenate(parts)


def _groups(batches: Iterator[Batch], size: int) -> Iterator[Sequence[Batch]]:
    while group := list(islice(batches, size)):
        yield group


def _what_is_shown(manifest: Manifest, run: TrainedRun) -> dict[str, Shown]:
    """What a query may name, and whether a person sees words, a table or a file in it, judged by what decoders give.

    These are the modalities; where one reads several columns of the manifest, the columns.
    """
    shown: dict[str, Shown] = {}
    for modality, pipeline in run.data.pipelines.items():
        kind = _kind_of(modality, pipeline, manifest, run.data.root)
        shown |= dict.fromkeys(pipeline.join or (modality,), kind)
    return shown


def _kind_of(modality: str, pipeline: Pipeline, manifest: Manifest, root: Path) -> Shown:
    """What the first item that has the modality shows of it."""
    references = (pipeline.reference(sample, modality) for sample in manifest)
    for reference in islice((each for each in references if each is not None), PROBED):
        try:
            decoded = pipeline.decode(pipeline.values(reference)[0], root)
        except DecodeError:
            continue
        if isinstance(decoded, str):
            return "words"
        return "rows" if isinstance(decoded, Mapping) else "media"
    # nothing of it can be read; files are the strictest for what a client may send
    return "media"


def _place_of(run: TrainedRun) -> str:
    """Where the items of a run are, for later commands, which may start in another folder."""
    root = run.config.data.root
    return root if root is not None and is_remote(root) else str(run.data.root.resolve())
