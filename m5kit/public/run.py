"""A trained run in Python: vectors, classes and shares of modalities for any items."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Unpack, overload

import torch
from numpy.typing import NDArray

from m5kit.data.remote.place import as_place
from m5kit.errors import BadItemsError, UsageError
from m5kit.evaluation.precision import Precision as Numbers
from m5kit.evaluation.precision import check_size
from m5kit.inference.embedding import check_space
from m5kit.inference.evaluation import Evaluation
from m5kit.inference.shortening import is_nested, stored
from m5kit.inference.trained_run import TrainedRun
from m5kit.models.embedder import Take
from m5kit.public.answers import (
    Embeddings,
    Explanation,
    Prediction,
    explanations,
    predictions,
    probabilities,
    shares,
    vectors,
)
from m5kit.public.evaluation import Metrics, evaluate_run
from m5kit.public.forward import Computed, Device, Errors, Folder, Forward, Item, Options, Precision, VectorOptions
from m5kit.public.reading import ItemReader, as_list, default_threads


class Run:
    """A trained run, loaded; :func:`m5kit.load` makes one.

    Items are mappings from names of modalities to values. A value is what a manifest holds (a path, a text, a table as
    a dict), the bytes of a file, or something that is decoded already: a picture of Pillow, an array or a tensor of
    pixels or frames, a pair (samples, samples a second). All of them go through the decoders and transforms of the
    run, with their caps. Several threads may use one run.

    Args:
        trained: the opened run folder.
        threads: how many items are read at the same time; None for one a core, at most eight.
    """

    def __init__(self, trained: TrainedRun, *, threads: int | None = None) -> None:
        self.trained = trained
        fill = trained.config.data.missing == "zero"
        reader = ItemReader(trained.data.pipelines, fill, default_threads() if threads is None else threads)
        self._forward = Forward(trained.model, reader)

    def __repr__(self) -> str:
        return f"<m5kit run {self.path}: {', '.join(self.modalities)}; width {self.width}>"

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return self.trained.folder.path

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those that the model reads, sorted."""
        return self.trained.model.modalities

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys that an item may have: the modalities, and columns that one of them reads beside its own."""
        return tuple(self._forward.reader.columns)

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that :meth:`predict` chooses from; empty unless the run was fine-tuned to classify."""
        label = self.trained.model.predicts
        return () if label is None else tuple(self.trained.data.classes[label])

    @cached_property
    def spaces(self) -> Mapping[str, int]:
        """The width of each space that :meth:`embed` gives vectors of, by its name."""
        nothing = self._forward.nothing()
        widths = {}
        for space in ("item", "contrastive", "fused", "unscaled", *nothing.modalities):
            widths[space] = nothing.vectors(space).shape[1]
        return widths

    @property
    def width(self) -> int:
        """The width of an item's vector."""
        return self.spaces["item"]

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.trained.model.backbone.device

    def to(self, device: Device) -> "Run":
        """Move the model to a device, such as ``"cuda:1"``, and return this run."""
        self._forward.move(device)
        return self

    @overload
    def embed(
        self,
        items: Iterable[Item],
        *,
        space: str = ...,
        errors: Literal["raise"] = ...,
        **options: Unpack[VectorOptions],
    ) -> NDArray[Any]: ...

    @overload
    def embed(
        self, items: Iterable[Item], *, space: str = ..., errors: Literal["skip"], **options: Unpack[VectorOptions]
    ) -> Embeddings: ...

    def embed(
        self,
        items: Iterable[Item],
        *,
        space: str = "item",
        modalities: Sequence[str] | None = None,
        batch_size: int | None = None,
        errors: Errors = "raise",
        precision: Precision = "fp32",
        device: Device | None = None,
        root: Folder | None = None,
        width: int | None = None,
        dtype: Numbers = "float32",
    ) -> NDArray[Any] | Embeddings:
        """Vectors ``n d`` float32 of n items.

        Args:
            items: any, whatever each of them lacks.
            space: which vector, a key of :attr:`spaces`: ``item``, the name of a modality, ``contrastive``, ``fused``
                or ``unscaled``.
            modalities: the only ones that the model sees.
            batch_size: None makes the batches of ``m5kit embed``, and so the same bits for the same items; a number
                puts items of like length together, which is faster for texts of different lengths.
            errors: ``raise`` names all items that cannot be used in one error; ``skip`` leaves them out and says which.
            precision: ``bf16`` computes in half precision where that is safe; the vectors are float32.
            device: where to compute; the model stays there. None leaves it where it is.
            root: folder that paths are relative to and must not leave, for items from a stranger. None reads any file
                that this process may read.
            width: numbers that are kept of a vector; None for all.
            dtype: of the numbers: ``float32``, ``float16``, ``int8``, or ``binary`` for signs, 8 in a byte.

        Returns:
            The vectors in the order of the items; with ``errors="skip"`` those of the usable items, their positions,
            and what is wrong with the others.

        Raises:
            BadItemsError: items that cannot be used, with ``errors="raise"``.
            ConfigError: an unknown space, modality or option.
        """
        check_space(self.trained.model, space)
        check_size(space, width, dtype)
        options = Options(modalities=modalities, batch_size=batch_size, precision=precision, device=device, root=root)
        found = self._answer(items, vectors(space), errors, options)
        kept = stored(found.values, width, dtype, is_nested(self.trained.config, space))
        return kept if errors == "raise" else Embeddings(kept, found.rows, found.problems)

    def predict(
        self, items: Iterable[Item], *, errors: Errors = "raise", **options: Unpack[Options]
    ) -> list[Prediction]:
        """The classes of items, as a fine-tuned run scores them.

        Args:
            items: any, whatever each of them lacks.
            errors: ``raise`` names all items that cannot be used in one error; ``skip`` answers with their problem.
            options: those of :meth:`embed`.

        Returns:
            One prediction an item, in order.

        Raises:
            ConfigError: the run predicts no classes, or a wrong option.
            BadItemsError: items that cannot be used, with ``errors="raise"``.
        """
        if not self.classes:
            raise UsageError(
                [f"the run in {self.path} predicts no classes; fine-tune it, as with the config demo/finetune"]
            )
        given = as_list(items)
        found = self._answer(given, probabilities, errors, options)
        return predictions(found, self.classes, len(given))

    def explain(
        self, items: Iterable[Item], *, errors: Errors = "raise", **options: Unpack[Options]
    ) -> list[Explanation]:
        """How much each modality counts in the fused vector of items: the shares that the harmonizer gives them.

        Args:
            items: any, whatever each of them lacks.
            errors: ``raise`` names all items that cannot be used in one error; ``skip`` answers with their problem.
            options: those of :meth:`embed`.

        Returns:
            One explanation an item, in order.

        Raises:
            BadItemsError: items that cannot be used, with ``errors="raise"``.
        """
        given = as_list(items)
        found = self._answer(given, shares, errors, options)
        return explanations(found, self.modalities, len(given))

    def evaluate(
        self,
        metrics: Metrics | None = None,
        *,
        modalities: Sequence[str] | None = None,
        data: Folder | None = None,
        store: bool = False,
    ) -> Evaluation:
        """Run metrics on the items of the run, or on others.

        Args:
            metrics: names in the run's config; or new metrics by name, each a ``type`` and its arguments, as in
                ``{"mine": {"type": "knn", "train": "train", "test": "test", "label": "kind"}}``; None for all of the
                config.
            modalities: the only ones that the model sees.
            data: folder of other items, or its URL.
            store: write the values to the run folder, as ``m5kit evaluate`` does.

        Returns:
            Values by metric, each with its interval and chance level, and why some metrics could not be computed.

        Raises:
            ConfigError: mistakes in the metrics, or an unknown one.
        """
        return evaluate_run(self.trained, metrics, modalities, None if data is None else as_place(data, "data"), store)

    def _answer(self, items: Iterable[Item], take: Take, errors: str, options: Options) -> Computed:
        """What the model makes of items.

        Raises:
            BadItemsError: items that cannot be used, unless they are to be skipped.
            ConfigError: wrong options.
        """
        if errors not in ("raise", "skip"):
            raise UsageError([f"errors: expected 'raise' or 'skip', got {errors!r}"])
        given = as_list(items)
        found = self._forward(given, take, errors == "skip", options)
        if found.problems and errors == "raise":
            raise BadItemsError(found.problems, len(given))
        return found
