"""What an index knows of itself: the run and the space of its vectors, its columns, how it is searched."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, Self

from pydantic import PositiveInt, TypeAdapter, ValidationError

from m5kit.data.json_values import parse_json
from m5kit.errors import DataError, UsageError
from m5kit.evaluation.precision import Precision, check_precision
from m5kit.index.columns import ID, SPLIT, Column
from m5kit.ranges import is_count

VERSION = 1

Shown = Literal["words", "rows", "media"]


@dataclass(frozen=True, slots=True)
class Approximation:
    """How the store searches without reading every vector.

    Attributes:
        items: that the partitions were made for; more may have come since.
        partitions: how many there are.
        probes: partitions that a search reads.
        refine: how many times as many candidates as hits are scored again with the whole vectors.
        recall: share of the true ten nearest that such a search finds, measured when the index was built.
    """

    items: PositiveInt
    partitions: PositiveInt
    probes: PositiveInt
    refine: PositiveInt
    recall: float


@dataclass(frozen=True, slots=True)
class Compression:
    """What it costs that vectors are shorter, or of fewer bits, than those that were given.

    Attributes:
        refine: how many times as many candidates as hits are ranked by their codes and the whole query.
        recall: share of the ten nearest by whole vectors that a search finds, measured when the index was built.
    """

    refine: PositiveInt
    recall: float


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What stands beside the vectors.

    Attributes:
        width: of the vectors.
        precision: of the numbers in them; int8 and binary ones are found by their signs, then ranked by the codes.
        run: folder of the run that made them; empty for vectors from elsewhere.
        fingerprint: of the run's config and weights.
        space: which vector of an item.
        modalities: those that a query may have, and what each of them is to a reader.
        seen: the only modalities that the run saw of items; empty for all.
        data: folder that references of items are relative to.
        columns: to filter by.
        approximation: None where every search reads all vectors.
        whole: width before the vectors were shortened; None if they were not.
        nested: the first numbers were trained to be vectors of their own, so the others were cut off.
        compression: None for whole vectors of floats, or before anything was measured.
    """

    width: PositiveInt
    precision: Precision = "float32"
    run: str = ""
    fingerprint: str = ""
    space: str = "item"
    modalities: Mapping[str, Shown] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    data: str = ""
    columns: tuple[Column, ...] = ()
    approximation: Approximation | None = None
    whole: PositiveInt | None = None
    nested: bool = False
    compression: Compression | None = None

    @property
    def is_rescored(self) -> bool:
        """Whether signs find candidates, which are then ranked by what is kept of their vectors."""
        return self.precision in ("int8", "binary")

    @property
    def is_compressed(self) -> bool:
        """Whether a search may find something else than one by whole vectors."""
        return self.whole is not None or self.is_rescored

    @property
    def query_width(self) -> int | None:
        """To which vectors of queries are shortened, as those of the items were; None for whole ones."""
        return None if self.whole is None else self.width

    def shortened(self, width: int | None, nested: bool = False) -> Self:
        """The same with vectors cut to ``width`` numbers, or whole ones if it is None.

        Raises:
            ConfigError: vectors of the index's width and precision cannot be kept so.
        """
        short = self if width is None else replace(self, width=width, whole=self.width, nested=nested)
        if width is not None and not (is_count(width) and width <= self.width):
            raise UsageError([f"width: expected 1 to {self.width} in this space, got {width!r}"])
        check_precision(self.precision, short.width)
        return short

    @property
    def filters(self) -> tuple[Column, ...]:
        """Everything that a filter may name."""
        return (ID, SPLIT, *self.columns)

    def require_run(self) -> None:
        """Refuse to answer what only a run can.

        Raises:
            DataError: the vectors come from elsewhere.
        """
        if not self.run:
            raise DataError("the index was built from vectors alone; search it by a vector")

    def require_same(self, other: "IndexInfo") -> None:
        """Refuse vectors that cannot be compared with those of the index.

        Raises:
            DataError: another run, space or width.
        """
        for name in ("fingerprint", "space", "width"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                what = f"the run in {other.run} is another than that of the index, {self.run}"
                what += ", or an earlier m5kit built the index"
                if not self.run:
                    what = f"the index was built from vectors alone, and not by the run in {other.run}"
                if name != "fingerprint":
                    what = f"the index holds vectors of {name} {mine!r}, not {theirs!r}"
                raise DataError(f"{what}; vectors of both cannot be compared: build a new index")

    def to_json(self) -> str:
        """For the store."""
        return json.dumps({"version": VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What :meth:`to_json` wrote.

        Raises:
            DataError: another version wrote it, or it is damaged.
        """
        try:
            values = parse_json(text)
            if isinstance(values, dict) and values.get("version", VERSION) != VERSION:
                raise DataError("the index was written by another version of m5kit; build it again")
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise DataError(
                f"what the index says of itself is damaged: {where}: {first['msg']}; build it again"
            ) from error
        except ValueError as error:
            raise DataError(f"what the index says of itself is damaged: {error}; build it again") from error
