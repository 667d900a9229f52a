"""Rows of a ``datasets`` folder that was saved with ``save_to_disk``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from m5kit.data.importers.embedded import unpacked
from m5kit.data.importers.reading import Reading, Row
from m5kit.errors import DataError
from m5kit.nn.pretrained.library import import_library


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row a record; of a dataset with several splits each row has its own under ``split``.

    Media are taken as they are stored, and class numbers become class names.

    Raises:
        DataError: no such folder.
        MissingDependencyError: ``datasets`` is not installed.
    """
    datasets = import_library("datasets", "data import huggingface")
    try:
        found = datasets.load_from_disk(str(source))
    except Exception as error:  # the library raises KeyError, TypeError and errors of Arrow for damaged folders
        raise DataError(f"{source} was not saved with save_to_disk: {error}") from error
    for split, part in found.items() if isinstance(found, datasets.DatasetDict) else [("", found)]:
        stored = part
        for name, feature in part.features.items():
            if hasattr(feature, "decode"):
                stored = stored.cast_column(name, type(feature)(decode=False))
        classes = {name: feature for name, feature in part.features.items() if hasattr(feature, "int2str")}
        for row in stored:
            yield _row(row, classes, split)


def _row(row: dict[str, Any], classes: dict[str, Any], split: str) -> Row:
    values = {key: unpacked(value) for key, value in row.items()}
    named = {
        key: None if values[key] is None or values[key] < 0 else feature.int2str(values[key])
        for key, feature in classes.items()
    }
    return {"split": split, **values, **named}
