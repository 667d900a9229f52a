"""Rows of a ``datasets`` folder that was saved with ``save_to_disk``."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from m5kit.data.importers.embedded import unpacked
from m5kit.data.importers.reading import Reading, Row
from m5kit.errors import DataError
from m5kit.nn.pretrained.library import import_library

ToNames: TypeAlias = Callable[[Any], Any]

BATCH = 64
"""Rows that are read together."""


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
        names = {column: to_names for column, feature in part.features.items() if (to_names := _class_names(feature))}
        # as Arrow holds them: the library itself would decode media, also those inside of lists
        for batch in part.with_format("arrow").iter(BATCH):
            for number in range(batch.num_rows):
                yield _row(batch.slice(number, 1).to_pylist()[0], names, split)


def _row(row: dict[str, Any], names: Mapping[str, ToNames], split: str) -> Row:
    values = {key: unpacked(value) for key, value in row.items()}
    return {"split": split, **values, **{key: to_names(values[key]) for key, to_names in names.items()}}


def _class_names(feature: Any) -> ToNames | None:
    """How numbers of classes become names, in a column of them or of lists of them; None for another column."""
    if hasattr(feature, "int2str"):
        return lambda value: None if value is None or value < 0 else feature.int2str(value)
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
    to_names = _class_names(inner) if inner is not None else None
    if to_names is None:
        return None
    return lambda values: None if values is None else [to_names(value) for value in values]
