"""Pictures and clips by their colours and edges."""

import torch
from torch import Tensor

from m5kit.descriptors.base import Descriptor
from m5kit.nn.packing import Packing, is_padded_layout
from m5kit.nn.pooling import length_mean
from m5kit.nn.visual_statistics import colour_histogram, colour_moments, oriented_gradients
from m5kit.ranges import Amount, Count
from m5kit.registry import DESCRIPTORS
from m5kit.structures import Inputs

ORIENTATIONS = 8
HUES, SATURATIONS, VALUES = 12, 4, 4
AT_ONCE = 2**17
"""Pixels that are measured at once; the maps that are made of them then stay in a core's cache."""


@DESCRIPTORS.register_module("pixels")
class PixelsDescriptor(Descriptor):
    """Colour histogram, gradient-orientation cells and colour moments of a picture, or their mean over a clip.

    Args:
        cells: cells along a side in which edges are counted by direction.
        patches: cells along a side of which mean and deviation of colour are taken.
        colour: how much the histogram counts; edges and moments count 1 each.
        frames: of a clip, at most so many frames are looked at, evenly spread.
    """

    needs = frozenset({"size"})

    def __init__(self, *, cells: Count = 6, patches: Count = 4, colour: Amount = 2.0, frames: Count = 4) -> None:
        blocks = (HUES * SATURATIONS * VALUES, ORIENTATIONS * cells**2, 6 * patches**2)
        super().__init__(blocks=blocks, shares=(colour, 1.0, 1.0))
        self.cells, self.patches, self.frames = cells, patches, frames

    def measure(self, inputs: Inputs) -> Tensor:
        """``p w`` from bytes ``p 3 h w`` or ``p t 3 h w``."""
        if inputs.values.dim() == 4:
            return self._measure_pictures(inputs.values)
        clips, lengths = inputs.values, inputs.lengths
        count = lengths.clamp(max=self.frames)
        # the middles of equal stretches; past its own count an item repeats a frame, which is not averaged
        chosen = ((torch.arange(self.frames) + 0.5) * lengths[:, None] / count.clamp(min=1)[:, None]).long()
        chosen = chosen.clamp(max=clips.shape[1] - 1).to(clips.device, non_blocking=True)
        looked_at = clips[torch.arange(clips.shape[0], device=clips.device)[:, None], chosen]
        # Only frames that are averaged are measured: histograms of gradients cost far more than packing.
        packing = Packing.from_lengths(count, self.frames, clips.device)
        measured = packing.unpack(self._measure_pictures(packing.pack(looked_at)))
        return length_mean(measured, count)

    def _measure_pictures(self, pictures: Tensor) -> Tensor:
        # A recorded graph has one part, whatever number of pictures it will be given.
        if pictures.device.type != "cpu" or is_padded_layout():
            return self._measure_together(pictures)
        few = max(1, AT_ONCE // pictures.shape[-2:].numel())
        return torch.cat([self._measure_together(part) for part in pictures.split(few)])

    def _measure_together(self, pictures: Tensor) -> Tensor:
        # From bytes on the device: a quarter of the transfer of floats.
        colours = pictures.float() / 255
        histogram = colour_histogram(pictures, (HUES, SATURATIONS, VALUES))
        edges = oriented_gradients(colours, self.cells, ORIENTATIONS).flatten(1)
        return torch.cat([histogram, edges, colour_moments(colours, self.patches).flatten(1)], dim=1)

    @classmethod
    def example(cls) -> tuple["PixelsDescriptor", Inputs]:
        """A small instance, and three clips of different lengths."""
        clips = []
        for length in (2, 5, 1):
            clip = torch.randint(0, 256, (length, 3, 16, 16), dtype=torch.uint8)
            clips.append(Inputs.single(clip))
        return cls(cells=2, patches=2), Inputs.stack(clips)
