"""How one modality is read: which values of an item, by which decoder, prepared by which transform."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from m5kit.data.decode.base import Decoder
from m5kit.data.noise import with_noise
from m5kit.data.several import each_value, passes
from m5kit.data.transforms.base import Transform
from m5kit.errors import DecodeError, M5KitError
from m5kit.structures import Inputs, Sample

Several = Literal["all", "first"]

LONGEST_REASON = 400
"""Characters of the message of an unexpected error."""


@contextmanager
def one_item() -> Iterator[None]:
    """Turn whatever a decoder or a transform raises into a DecodeError: one item must not end a run.

    Plugins and the libraries below raise anything, and a bug that meets every item still ends the run, by the share of
    failures that is allowed. Other errors of m5kit pass: a cache that cannot be read is no matter of one item.
    """
    try:
        yield
    except M5KitError:
        raise
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        raise DecodeError(message[:LONGEST_REASON]) from error


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one modality is read.

    Attributes:
        decoder: opens the reference.
        transform: prepares what was decoded.
        source: another modality whose reference is used where an item has none of its own, as a video's sound.
        join: columns of the manifest that the decoder reads together; empty for the modality's own column alone.
        several: what evaluation makes of an item with several values of the modality: the mean of the vectors with
            ``all`` of them, or the vector with the ``first`` that can be read. Training takes one at random.
        noise: the most noise in training, in standard deviations of the item's own values; how much is drawn at
            every visit, mostly little: half of the visits have at most an eighth of it.
    """

    decoder: Decoder
    transform: Transform
    source: str | None = None
    join: tuple[str, ...] = ()
    several: Several = "all"
    noise: float = 0.0

    def reference(self, sample: Sample, modality: str) -> Any:
        """What an item has, values by column where these are joined, or None if it has nothing.

        It may be several values, see :meth:`values`.
        """
        if self.join:
            return {column: sample.sources[column] for column in self.join if column in sample.sources} or None
        own = sample.sources.get(modality)
        if own is not None or self.source is None or modality in sample.lost:
            return own
        return sample.sources.get(self.source)

    def values(self, reference: Any) -> tuple[Any, ...]:
        """The values of a reference, each of them what the decoder reads at a time."""
        if self.join:
            return tuple(passes({column: each_value(value) for column, value in reference.items()}))
        values = each_value(reference)
        if values[0] is reference or not self.decoder.reads_lists:
            return values
        return (reference,)

    def evaluated(self, reference: Any) -> tuple[Any, ...]:
        """Those of the values that evaluation reads if none of them is damaged."""
        values = self.values(reference)
        return values if self.several == "all" else values[:1]

    def decode(self, reference: Any, root: Path) -> Any:
        """What the decoder makes of one value.

        Raises:
            DecodeError: whatever goes wrong with this one item; other errors of m5kit are not about an item.
        """
        with one_item():
            return self.decoder(reference, root)

    def prepare(
        self,
        reference: Any,
        root: Path,
        generator: np.random.Generator | None = None,
        again: np.random.Generator | None = None,
    ) -> Inputs:
        """Decoded and transformed.

        Args:
            reference: one value of an item.
            root: folder that paths are relative to.
            generator: augments; None leaves the item as it is.
            again: augments the item a second time, as ``Inputs.again``.

        Raises:
            DecodeError: whatever goes wrong with this one item, or numbers that would spoil a whole batch.
        """
        with one_item():
            decoded = self.decoder(reference, root)
            inputs = self._transformed(decoded, generator)
            return inputs if again is None else replace(inputs, again=self._transformed(decoded, again))

    def accept(self, value: Any) -> Inputs:
        """Transformed as in evaluation: a value that a user of Python has decoded already, such as an array.

        Raises:
            DecodeError: the decoder takes no such value, or it would spoil a batch.
        """
        with one_item():
            return _finite(self.transform(self.decoder.accept(value)))

    def _transformed(self, decoded: Any, generator: np.random.Generator | None) -> Inputs:
        inputs = _finite(self.transform(decoded, generator))
        if generator is None or not self.noise:
            return inputs
        # the cube keeps most visits nearly clean: with a uniform amount clean items lose what noisy ones gain
        return with_noise(inputs, self.noise * generator.uniform() ** 3, generator)

    def columns(self, modality: str) -> tuple[str, ...]:
        """The columns of the manifest that :meth:`reference` looks at."""
        return self.join or tuple(filter(None, (modality, self.source)))


def _finite(inputs: Inputs) -> Inputs:
    values = inputs.values
    # a sum is a tenth of the work; it is finite only if all are, or may overflow and let all be looked at
    if values.is_floating_point() and not (torch.isfinite(values.sum()) or torch.isfinite(values).all()):
        raise DecodeError("what the transform made of it holds NaN or infinite numbers")
    return inputs
