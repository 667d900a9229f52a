"""A Parquet table for programs that read Arrow; ``m5kit evaluate`` reads it too."""

from collections.abc import Sequence
from pathlib import Path

from m5kit.evaluation.base import Embedded
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS


@EXPORTERS.register_module("parquet")
class ParquetExporter(Exporter):
    """Columns ``id``, ``vector`` (a list of float32) and ``label_NAME``, one row an item."""

    suffix = ".parquet"

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write the table."""
        embedded.save(path)
        return [path]
