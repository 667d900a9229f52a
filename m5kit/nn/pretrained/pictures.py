"""The pictures and frames that a checkpoint expects: their size, and how bytes become numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from m5kit.arguments import ArgumentGroup
from m5kit.errors import ConfigError
from m5kit.nn.packing import is_padded_layout
from m5kit.nn.patches import split_patches

HALF = (0.5, 0.5, 0.5)
TOKENS_AT_ONCE = 1024
"""Tokens that a network sees at once on a CPU. Networks of 384 and 768 numbers a token take 0.87 to 0.95 of the time
of 64 pictures at once where that asks the system for new memory, and as long where memory is there already."""


@dataclass(frozen=True)
class Colours(ArgumentGroup):
    """How colours become numbers, for checkpoints that do not define it.

    Args:
        mean: of red, green and blue as fractions of white; None takes the checkpoint's.
        std: their deviations; None takes the checkpoint's.
    """

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The pictures that a checkpoint was trained on.

    Attributes:
        size: side in pixels; None if it is unknown or any size will do.
        mean: of each colour, as a fraction of white; None if it does not say.
        std: deviation of each colour.
    """

    size: int | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    @classmethod
    def of(cls, processor: Any, config: Any) -> "PictureFacts":
        """Read a processor of transformers (None if there is none), and the network's own config for the size."""
        crop = getattr(processor, "do_center_crop", False) and getattr(processor, "crop_size", None)
        size = _side(crop) or _side(getattr(processor, "size", None))
        own = _side(getattr(config, "image_size", None)) or _side(getattr(config, "crop_size", None))
        mean, std = getattr(processor, "image_mean", None), getattr(processor, "image_std", None)
        if processor is not None and not getattr(processor, "do_normalize", True):
            mean, std = (0.0,) * 3, (1.0,) * 3
        return cls(size or own, mean and tuple(mean), std and tuple(std))

    def check(self, size: int, needed_by: str) -> None:
        """Refuse pictures of another size.

        Raises:
            ConfigError: the data's transform makes another size than the checkpoint was trained with.
        """
        if self.size is not None and size != self.size:
            raise ConfigError(
                [
                    f"{needed_by}: the checkpoint sees {self.size} x {self.size} pixels, the data's transform makes "
                    f"{size}; set transform.size: {self.size}"
                ]
            )


class Normalize(nn.Module):
    """Bytes to the numbers a checkpoint was trained with, on the device.

    Args:
        facts: the checkpoint's.
        colours: override the checkpoint's.
        random: whether the network starts with random weights; unknown means and deviations are then 0.5.
        needed_by: the encoder's name.

    Raises:
        ConfigError: mean and deviation are unknown.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        facts: PictureFacts,
        colours: Colours,
        *,
        random: bool,
        needed_by: str,
    ) -> None:
        super().__init__()
        mean = colours.mean or facts.mean or (HALF if random else None)
        std = colours.std or facts.std or (HALF if random else None)
        if mean is None or std is None:
            raise ConfigError(
                [f"{needed_by}: the checkpoint has no preprocessor_config.json; say mean and std, three fractions each"]
            )
        # not persistent: it belongs to the pretrained checkpoint, not to the run's
        self.register_buffer("mean", 255 * torch.tensor(list(mean)).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(list(std)).view(-1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """``... 3 h w`` uint8 to float32."""
        # in place: new memory for millions of numbers costs more than the arithmetic
        return pictures.to(torch.float32, copy=True).sub_(self.mean).div_(self.std)

    def patches(self, pictures: Tensor, patch: int) -> Tensor:
        """Patches ``b l e`` of ``b 3 h w`` uint8; cut as bytes, which are a quarter of the floats."""
        cut = split_patches(pictures, patch)
        patches: Tensor = self(cut.unflatten(-1, (-1, patch, patch)))
        return patches.flatten(2)


def run_few(network: Callable[[Tensor], tuple[Tensor, Tensor]], patches: Tensor) -> tuple[Tensor, Tensor]:
    """Run a network on pictures, on a CPU a few at a time.

    Args:
        network: from patches ``p l e`` to a summary ``p c`` and tokens ``p l c``; must treat each picture by itself.
        patches: ``p l e``.
    """
    # a gradient would be added up once a call, and a recorded graph has one part, whatever it will be given
    if patches.device.type != "cpu" or torch.is_grad_enabled() or is_padded_layout():
        return network(patches)
    parts = [network(part) for part in patches.split(max(1, TOKENS_AT_ONCE // patches.shape[1]))]
    summaries, tokens = zip(*parts, strict=True)
    return torch.cat(summaries), torch.cat(tokens)


def _side(size: Any) -> int | None:
    """The side of a square size, in any of the forms of transformers; None if it is not square."""
    if size is None or size is False:
        return None
    if isinstance(size, int):
        return size
    if isinstance(size, Sequence):
        return int(size[0]) if len(set(size)) == 1 else None
    known = size if isinstance(size, Mapping) else vars(size)
    if known.get("height"):
        return int(known["height"]) if known["height"] == known.get("width") else None
    return known.get("shortest_edge")
