"""Reads the items of a run's data as rows of an index, and embeds them piece by piece."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.dataset import Pipeline
from m5kit.data.manifest import Manifest
from m5kit.errors import DecodeError
from m5kit.evaluation.base import Request
from m5kit.index.about import IndexInfo, Precision, Shown, fingerprint
from m5kit.index.approximate import Say
from m5kit.index.rows import LONGEST_WORDS, Row, item_values, learn_columns
from m5kit.inference.trained_run import TrainedRun
from m5kit.structures import Sample

log = logging.getLogger("m5kit")

PIECE = 4096
"""Items that are embedded and written at once; a multiple of the batch, so that no batch is cut."""

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
        cls, run: Path, data: Path | None, splits: Sequence[str] | None, modalities: Sequence[str] | None, space: str
    ) -> "RunItems":
        """Load the run and look at the items; no media file is opened but the first of each modality.

        Raises:
            CheckpointError: there is no run.
            DataError: there are no items.
        """
        opened = TrainedRun.open(run, data=data)
        manifest = opened.data.manifest if splits is None else opened.data.samples(*splits)
        seen = None if modalities is None else tuple(sorted(set(modalities)))
        return cls(opened, manifest, seen, space, _what_is_shown(manifest, opened))

    def about(self, precision: Precision) -> IndexInfo:
        """What an index of these items knows of itself."""
        nothing = self._embed((Sample("", {}),))
        columns, left_out = learn_columns(self._row(sample) for sample in self.manifest)
        if left_out:
            log.warning("%d rare properties are no columns to filter by, such as %s", len(left_out), left_out[0])
        return IndexInfo(
            width=nothing.shape[1],
            precision=precision,
            run=str(self.run.folder.path.resolve()),
            fingerprint=fingerprint(self.run.folder.path),
            space=self.space,
            modalities=self.shown,
            seen=self.modalities or (),
            data=str(self.run.data.root.resolve()),
            columns=columns,
        )

    def pieces(self, say: Say) -> Iterator[tuple[Sequence[Row], NDArray[np.float32]]]:
        """Rows with their vectors, a piece at a time, so that memory does not grow with the number of items.

        Items without anything that the run reads are left out, and counted.
        """
        samples, done, empty = iter(self.manifest), 0, 0
        while piece := tuple(islice(samples, PIECE)):
            vectors = self._embed(piece)
            some = vectors.any(1)
            done, empty = done + len(piece), empty + int((~some).sum())
            if some.any():
                yield [self._row(piece[number]) for number in np.flatnonzero(some)], vectors[some]
            say(f"{done:,} of {len(self.manifest):,} items")
        if empty:
            say(f"{empty:,} items have nothing that the run can read; they are left out")

    def _embed(self, samples: tuple[Sample, ...]) -> NDArray[np.float32]:
        request = Request("", self.modalities, self.space, samples=samples)
        return self.run.embed([request])[request].vectors

    def _row(self, sample: Sample) -> Row:
        """One item beside its vector."""
        sources: dict[str, Any] = {}
        for name, kind in self.shown.items():
            # a modality that reads another's file shows nothing of its own
            own = sample.sources.get(name)
            if own is not None:
                sources[name] = self._words(name, own) if kind == "words" else own
        return Row(sample.id, sample.split, item_values(sample.labels, sample.sources), sources)

    def _words(self, name: str, source: Any) -> str:
        pipeline = self.run.data.pipelines.get(name)
        if pipeline is None or pipeline.join:  # one column of several that are read as one text
            return str(source)[:LONGEST_WORDS]
        try:
            return str(pipeline.decode(source, self.run.data.root))[:LONGEST_WORDS]
        except DecodeError:
            return ""


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
    holders = (sample for sample in manifest if pipeline.reference(sample, modality) is not None)
    for sample in islice(holders, PROBED):
        try:
            decoded = pipeline.decode(pipeline.reference(sample, modality), root)
        except DecodeError:
            continue
        if isinstance(decoded, str):
            return "words"
        return "rows" if isinstance(decoded, Mapping) else "media"
    # nothing of it can be read; files are the strictest for what a client may send
    return "media"
