"""The body of a bulk request to Elasticsearch, and the mapping of the index that it fills."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded
from m5kit.evaluation.precision import encode
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS

MOST_NUMBERS = 4096
"""Of a ``dense_vector`` of Elasticsearch 8.11 and later."""

MOST_BYTES = 512
"""Of an id."""


@EXPORTERS.register_module("ndjson")
class NdjsonExporter(Exporter):
    """``NAME.ndjson``, two lines an item for ``POST /_bulk``, and ``NAME.mapping.json`` for ``PUT /INDEX``.

    A document has ``vector`` and ``label_NAME``, its id is that of the item. With precision ``int8`` numbers are bytes.
    Items with nothing are left out: Elasticsearch has no cosine with zeros.

    Args:
        index: name of the index.
    """

    suffix = ".ndjson"
    precisions = ("float32", "int8")

    def __init__(self, *, index: str = "items") -> None:
        if not index or index != index.lower() or set(index) & set('\\/*?"<>| ,#:') or index[0] in "-_+":
            raise ConfigError(
                [f"exporter 'ndjson': index: expected lower case without spaces or signs of a path, got {index!r}"]
            )
        self.index = index

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write both files."""
        _require_fit(embedded)
        seen = embedded.select(embedded.seen)
        with path.open("w", encoding="utf-8") as file:
            for line in self._lines(seen):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        mapping = path.with_suffix(".mapping.json")
        mapping.write_text(json.dumps(_mapping(seen), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return [path, mapping]

    def _lines(self, embedded: Embedded) -> Iterator[Mapping[str, Any]]:
        """What is done, then with which document, for each item."""
        # As texts of the numbers: the digits that bring a float32 back, not the sixteen of a double.
        numbers = encode(embedded.vectors, embedded.precision).tolist()
        for row, name in enumerate(embedded.ids.tolist()):
            yield {"index": {"_index": self.index, "_id": name}}
            document: dict[str, Any] = {"vector": [_short(number) for number in numbers[row]]}
            for label, values in embedded.labels.items():
                if values[row]:
                    document[f"label_{label}"] = str(values[row])
            yield document


def _mapping(embedded: Embedded) -> dict[str, Any]:
    """Types of the fields."""
    kind = "byte" if embedded.precision == "int8" else "float"
    vector = {"type": "dense_vector", "dims": embedded.vectors.shape[1], "element_type": kind, "similarity": "cosine"}
    fields: dict[str, Any] = {"vector": {**vector, "index": True}}
    for label in embedded.labels:
        fields[f"label_{label}"] = {"type": "keyword"}
    return {"mappings": {"properties": fields}}


def _short(number: float | int) -> float | int:
    """A float32 with nine significant digits, which bring it back exactly; whole numbers as they are.

    Example:
        >>> _short(0.10000000149011612)
        0.100000001
    """
    return number if isinstance(number, int) else float(f"{number:.9g}")


def _require_fit(embedded: Embedded) -> None:
    """Refuse what the server would refuse.

    Raises:
        DataError: vectors that are too wide, or an id that is none.
    """
    width = embedded.vectors.shape[1]
    if width > MOST_NUMBERS:
        raise DataError(f"Elasticsearch takes vectors of at most {MOST_NUMBERS} numbers, got {width}; choose a --width")
    for name in embedded.ids.tolist():
        if not 0 < len(name.encode()) <= MOST_BYTES:
            raise DataError(f"Elasticsearch takes ids of 1 to {MOST_BYTES} bytes, got {name[:40]!r}")
