"""NumPy arrays in one file, which ``m5kit evaluate`` reads too."""

from collections.abc import Sequence
from pathlib import Path

from m5kit.evaluation.base import Embedded
from m5kit.evaluation.precision import PRECISIONS
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS


@EXPORTERS.register_module("npz")
class NpzExporter(Exporter):
    """Arrays ``id``, ``vector`` (``b d``) and ``label_NAME``; read with ``numpy.load``, without pickle.

    The vectors are float32, float16 or int8; signs are called ``bits`` (``b d/8`` uint8).
    """

    suffix = ".npz"
    precisions = PRECISIONS

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write the arrays."""
        embedded.save(path)
        return [path]
