"""NumPy arrays in one file, which ``m5kit evaluate`` reads too."""

from collections.abc import Sequence
from pathlib import Path

from m5kit.evaluation.base import Embedded
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS


@EXPORTERS.register_module("npz")
class NpzExporter(Exporter):
    """Arrays ``id``, ``vector`` (``b d`` float32) and ``label_NAME``; read with ``numpy.load``, without pickle."""

    suffix = ".npz"

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write the arrays."""
        embedded.save(path)
        return [path]
