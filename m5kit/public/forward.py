"""Runs a model over items that are handed over in Python."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.assembly.data import EVAL_BATCH
from m5kit.data.collate import collate
from m5kit.data.dataset import Prepared
from m5kit.data.remote.place import as_path
from m5kit.errors import UsageError
from m5kit.evaluation.precision import Precision as Numbers
from m5kit.inference.passes import known_modalities
from m5kit.models.base import Model
from m5kit.models.embedder import Embedding, Take
from m5kit.public.batches import cut
from m5kit.public.reading import BadItem, ItemReader, Reading
from m5kit.ranges import is_count

Item: TypeAlias = Mapping[str, Any]
"""Values by modality; what is absent is a missing key, or None."""

Errors: TypeAlias = Literal["raise", "skip"]

Device: TypeAlias = str | torch.device
Folder: TypeAlias = str | os.PathLike[str]
Precision: TypeAlias = Literal["fp32", "bf16"]

NOTHING = Prepared("", {})
"""An item that has no modality."""


class Options(TypedDict, total=False):
    """How items are read and computed; :meth:`m5kit.public.run.Run.embed` says what each of them means."""

    modalities: Sequence[str] | None
    batch_size: int | None
    precision: Precision
    device: Device | None
    root: Folder | None


class VectorOptions(Options, total=False):
    """What is kept of vectors, beside how they are computed."""

    width: int | None
    dtype: Numbers


@dataclass(frozen=True, eq=False)
class Computed:
    """What a model made of those of n items that could be used.

    Attributes:
        values: ``k w``, in the order of the items.
        rows: ``k`` int64, their positions.
        problems: why the others cannot be used, by position.
    """

    values: NDArray[np.float32]
    rows: NDArray[np.int64]
    problems: Mapping[int, str]


def require_names(given: object, what: str = "modalities") -> None:
    """Refuse what is no list of names; a text would be one of letters.

    Raises:
        ConfigError: it is none.
    """
    names = [] if given is None else given
    if isinstance(names, str) or not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise UsageError([f"{what}: expected a list of names, got {given!r}"])


class Forward:
    """A model with the reader of its items; several threads may use one.

    Args:
        model: in eval mode.
        reader: of its run.
    """

    def __init__(self, model: Model, reader: ItemReader) -> None:
        self.model, self.reader = model, reader
        # One pass at a time: parts may keep something between two calls, and two passes share the cores anyway.
        self._computing = threading.Lock()

    def move(self, device: Device) -> None:
        """Move the model once no pass is going on.

        Raises:
            ConfigError: there is no such device.
        """
        if not isinstance(device, str | torch.device):
            raise UsageError([f"device: expected a name such as 'cuda:1', got {device!r}"])
        if str(device) == "meta":
            raise UsageError(["device: nothing can be computed on 'meta', which holds no numbers"])
        with self._computing:
            try:
                self.model.to(device)
            except (RuntimeError, AssertionError) as error:  # torch has no narrower ones for a device that is not there
                raise UsageError(
                    [f"device: cannot compute on {str(device)!r}: {str(error).splitlines()[0]}"]
                ) from error

    def __call__(self, items: Sequence[Any], take: Take, go_on: bool, options: Options) -> Computed:
        """Run the model over items.

        Args:
            items: mappings from modalities to values.
            take: the numbers ``b w`` that are wanted of a batch.
            go_on: compute although there are items that cannot be used.
            options: how.

        Raises:
            ConfigError: wrong options.
        """
        check_options(options)
        if options.get("device") is not None:
            self.move(options["device"] or "cpu")
        given = options.get("modalities")
        require_names(given)
        modalities = known_modalities(self.model, None if given is None else tuple(given))
        root = options.get("root")
        problems: dict[int, str] = {}
        usable = _usable(self.reader.read(items, modalities, None if root is None else Path(root)), problems)
        size = options.get("batch_size")
        values: list[Tensor] = []
        rows: list[int] = []
        for batch in cut(usable, size or EVAL_BATCH, sort=size is not None):
            rows += [item.position for item in batch]
            # the remaining items are still read, so that all mistakes can be named
            if go_on or not problems:
                values.append(self._take(batch, take, options.get("precision", "fp32")))
        # Where nothing was computed, an item with nothing tells the width.
        found = torch.cat(values or [self._take([NOTHING], take, "fp32")[:0]]).float().numpy()
        if len(found) < len(rows):
            return Computed(found[:0], np.empty(0, np.int64), problems)
        return _whole(found, np.array(rows, np.int64), problems)

    def nothing(self) -> Embedding:
        """What the model makes of an item with nothing: zeros of every width."""
        with self._computing:
            return self.model.embed(collate([NOTHING], self.model.modalities).to(self.model.backbone.device))

    def _take(self, items: Sequence[Prepared], take: Take, precision: Precision) -> Tensor:
        batch = collate(items, self.model.modalities)
        with self._computing:
            device = self.model.backbone.device
            half: AbstractContextManager[Any] = nullcontext()
            if precision == "bf16":
                half = torch.autocast(device.type, torch.bfloat16)
            with half:
                return self.model.take(batch.to(device), take)


def check_options(options: Options) -> None:
    """Refuse what cannot be, all of it at once.

    Raises:
        ConfigError: every wrong option.
    """
    problems = []
    modalities, size = options.get("modalities"), options.get("batch_size")
    if isinstance(modalities, str):
        problems.append(f"modalities: expected a list such as [{modalities!r}], got a text")
    if size is not None and not is_count(size):
        problems.append(f"batch_size: expected a whole number of at least 1, got {size!r}")
    root = options.get("root")
    if root is not None and not as_path(root, "root").is_dir():
        problems.append(f"root: there is no folder {root}")
    if options.get("precision", "fp32") not in ("fp32", "bf16"):
        problems.append(f"precision: expected 'fp32' or 'bf16', got {options['precision']!r}")
    if problems:
        raise UsageError(problems)


def _whole(values: NDArray[np.float32], rows: NDArray[np.int64], problems: dict[int, str]) -> Computed:
    """The finite rows that are not zero, in the order of the items; an all-zero vector would be found by any search."""
    finite, some = np.isfinite(values).all(1), values.any(1)
    for row in rows[~finite].tolist():
        problems[row] = "the model makes NaN or infinite numbers of it"
    for row in rows[finite & ~some].tolist():
        problems[row] = "it has nothing that this vector is made of, so the vector would be zero"
    good = np.flatnonzero(finite & some)
    order = good[np.argsort(rows[good])]
    return Computed(values[order], rows[order], problems)


def _usable(readings: Iterator[Reading], problems: dict[int, str]) -> Iterator[Prepared]:
    """The items that can be used; what is wrong with the others goes into ``problems``."""
    for reading in readings:
        if isinstance(reading, BadItem):
            problems[reading.position] = reading.problem
        else:
            yield reading
