"""A Parquet table for programs that read Arrow; ``m5kit evaluate`` reads it too."""

from collections.abc import Sequence
from pathlib import Path

from m5kit.evaluation.base import Embedded
from m5kit.evaluation.precision import PRECISIONS
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS


@EXPORTERS.register_module("parquet")
class ParquetExporter(Exporter):
    """Columns ``id``, ``vector`` (a list of numbers) and ``label_NAME``, one row an item.

    The numbers are float32, float16 or int8; signs are called ``bits`` (8 in each uint8).
    """

    suffix = ".parquet"
    precisions = PRECISIONS

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write the table."""
        embedded.save(path)
        return [path]
