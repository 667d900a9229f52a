"""A FAISS index that answers nearest-neighbour queries, and the ids of its rows."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from m5kit.errors import ConfigError, DataError, MissingDependencyError
from m5kit.evaluation.base import Embedded
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS
from m5kit.runs.json import write_json

_ANY_WIDTH = 13440
"""A width with many divisors, so that a product quantiser of any usual size accepts it."""


@EXPORTERS.register_module("faiss")
class FaissExporter(Exporter):
    """``NAME.faiss``, and ``NAME.ids.json``, a list of the ids in the order of the rows. Labels are not written.

    Args:
        factory: what FAISS's ``index_factory`` builds: ``Flat`` is exact, ``HNSW32`` quick, ``IVF1024,PQ32`` small; an
            index that must be trained is trained on the vectors themselves.
        metric: ``cosine`` stores unit vectors and compares by inner product, so queries must be unit vectors too;
            ``dot`` compares by inner product; ``l2`` by Euclidean distance.
    """

    suffix = ".faiss"

    def __init__(self, *, factory: str = "Flat", metric: Literal["cosine", "dot", "l2"] = "cosine") -> None:
        self.factory, self.metric = factory, metric

    def check(self, path: Path) -> None:
        """Also check that the library is installed and accepts the factory string."""
        super().check(path)
        if find_spec("faiss") is None:
            raise MissingDependencyError("faiss-cpu", "the exporter 'faiss'", "faiss")
        self._index(_ANY_WIDTH)

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Build the index and write both files."""
        import faiss

        # a copy, because faiss normalises in place and the caller may write the same table again
        index, vectors = self._index(embedded.vectors.shape[1]), embedded.vectors.copy()
        if self.metric == "cosine" and len(vectors):
            faiss.normalize_L2(vectors)
        try:
            if not index.is_trained:
                index.train(vectors)
            index.add(vectors)
        except RuntimeError as error:
            raise DataError(f"FAISS cannot make {self.factory!r} of {len(vectors)} vectors: {error}") from error
        names = path.with_suffix(".ids.json")
        try:
            faiss.write_index(index, str(path))
        except RuntimeError as error:  # what the operating system refuses too, as on a full disk
            raise DataError(f"FAISS cannot write {path.name}: {_reason(error)}") from error
        write_json(names, embedded.ids.tolist())
        return [path, names]

    def _index(self, width: int) -> Any:
        """An empty index; a wrong factory string is a ConfigError with the last line of what FAISS says."""
        import faiss

        measure = faiss.METRIC_L2 if self.metric == "l2" else faiss.METRIC_INNER_PRODUCT
        try:
            return faiss.index_factory(width, self.factory, measure)
        except RuntimeError as error:
            problem = f"exporter 'faiss': factory {self.factory!r} for width {width}: {_reason(error)}"
            raise ConfigError([problem]) from error


def _reason(error: RuntimeError) -> str:
    """What FAISS says, without the lines that name its own source files."""
    return str(error).strip().splitlines()[-1]
