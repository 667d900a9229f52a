"""Pictures and clips by their colours, edges and typical patches."""

import torch
from torch import Tensor
from torch.nn import functional as F

from m5kit.descriptors.atoms import AtomDescriptor
from m5kit.nn.packing import Packing, is_padded_layout
from m5kit.nn.patch_dictionary import PatchDictionary, shown
from m5kit.nn.pooling import length_mean
from m5kit.nn.visual_statistics import colour_histogram, colour_moments, oriented_gradients
from m5kit.ranges import Amount, Count, Natural
from m5kit.registry import DESCRIPTORS
from m5kit.structures import Inputs

ORIENTATIONS = 8
HUES, SATURATIONS, VALUES = 12, 4, 4
AT_ONCE = 2**17
"""Pixels that are measured at once; the maps that are made of them then stay in a core's cache."""
MAPS_AT_ONCE = 2**14
"""Pixels in which atoms are looked for at once; each has as many maps as there are atoms."""
REGIONS = 3
"""Regions along a side in which atoms are counted."""
ATOMS = 1.2
"""How much they count in the whole picture, and how much by region. With more, what is turned is told apart worse."""
SIDE = 64
"""Pixels along a side, or up to twice as many, of the pictures that atoms are looked for in."""


@DESCRIPTORS.register_module("pixels")
class PixelsDescriptor(AtomDescriptor):
    """Colours, gradient orientations, colour moments and typical patches of a picture, or their mean over a clip.

    Args:
        cells: cells along a side in which edges are counted by direction.
        patches: cells along a side of which mean and deviation of colour are taken.
        colour: how much the histogram counts; edges and moments count 1 each.
        frames: of a clip, at most so many frames are looked at, evenly spread.
        atoms: how many typical patches of 6 x 6 pixels are learned of the training items' pictures; the vector then
            tells which of them occur, and where. 0 for none.
    """

    needs = frozenset({"size"})

    def __init__(
        self, *, cells: Count = 6, patches: Count = 4, colour: Amount = 2.0, frames: Count = 4, atoms: Natural = 0
    ) -> None:
        dictionary = None
        if atoms:
            dictionary = PatchDictionary(channels=3, patch=(6, 6), atoms=atoms, stride=(2, 2))
        super().__init__(
            blocks=(HUES * SATURATIONS * VALUES, ORIENTATIONS * cells**2, 6 * patches**2),
            shares=(colour, 1.0, 1.0),
            dictionary=dictionary,
            regions=REGIONS**2,
            share=ATOMS,
        )
        self.cells, self.patches, self.frames = cells, patches, frames

    def measure(self, inputs: Inputs) -> Tensor:
        """``p w`` from bytes ``p 3 h w`` or ``p t 3 h w``."""
        if inputs.values.dim() == 4:
            return self._measure_pictures(inputs.values)
        looked_at, packing, count = self._frames(inputs)
        return length_mean(packing.unpack(self._measure_pictures(looked_at)), count)

    def maps(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Pictures, or the frames of clips that are looked at."""
        pictures = inputs.values if inputs.values.dim() == 4 else self._frames(inputs)[0]
        maps = _small(pictures.float() / 255)
        assert self.dictionary is not None
        rows, columns = (self.dictionary.places(torch.tensor(maps.shape[2 + axis]), axis) for axis in (0, 1))
        return maps, (rows * columns).expand(len(maps))

    def _frames(self, inputs: Inputs) -> tuple[Tensor, Packing, Tensor]:
        """The frames ``f 3 h w`` of clips that are looked at, how they are packed, and how many each clip has."""
        clips, lengths = inputs.values, inputs.lengths
        count = lengths.clamp(max=self.frames)
        # the middles of equal stretches; past its own count an item repeats a frame, which is not averaged
        chosen = ((torch.arange(self.frames) + 0.5) * lengths[:, None] / count.clamp(min=1)[:, None]).long()
        chosen = chosen.clamp(max=clips.shape[1] - 1).to(clips.device, non_blocking=True)
        looked_at = clips[torch.arange(clips.shape[0], device=clips.device)[:, None], chosen]
        # Only frames that are averaged are measured: histograms of gradients cost far more than packing.
        packing = Packing.from_lengths(count, self.frames, clips.device)
        return packing.pack(looked_at), packing, count

    def _measure_pictures(self, pictures: Tensor) -> Tensor:
        return torch.cat([self._measure_together(part) for part in _parts(pictures, AT_ONCE)])

    def _measure_together(self, pictures: Tensor) -> Tensor:
        # From bytes on the device: a quarter of the transfer of floats.
        colours = pictures.float() / 255
        histogram = colour_histogram(pictures, (HUES, SATURATIONS, VALUES))
        edges = oriented_gradients(colours, self.cells, ORIENTATIONS).flatten(1)
        blocks = [histogram, edges, colour_moments(colours, self.patches).flatten(1)]
        if self.dictionary is not None:
            means = [_region_means(self.dictionary(part)) for part in _parts(_small(colours), MAPS_AT_ONCE)]
            blocks += self.occurrences(torch.cat(means))
        return torch.cat(blocks, dim=1)

    @classmethod
    def example(cls) -> tuple["PixelsDescriptor", Inputs]:
        """A small instance, and three clips of different lengths."""
        clips = []
        for length in (2, 5, 1):
            clip = torch.randint(0, 256, (length, 3, 16, 16), dtype=torch.uint8)
            clips.append(Inputs.single(clip))
        return cls(cells=2, patches=2, atoms=4), Inputs.stack(clips)


def _small(colours: Tensor) -> Tensor:
    """Pictures ``n 3 h w``, reduced by a whole number where they are large."""
    factor = max(1, min(colours.shape[-2:]) // SIDE)
    return F.avg_pool2d(colours, factor) if factor > 1 else colours


def _region_means(products: Tensor) -> Tensor:
    """How far each atom and its opposite is shown in the mean of each region, ``n r 2k``, of ``n k h w``."""
    means = [F.adaptive_avg_pool2d(each, REGIONS).flatten(2) for each in shown(products)]
    return torch.cat(means, dim=1).transpose(1, 2)


def _parts(pictures: Tensor, pixels: int) -> tuple[Tensor, ...]:
    """Pictures in parts of about so many pixels on a CPU; a recorded graph has one part, whatever it will be given."""
    if pictures.device.type != "cpu" or is_padded_layout():
        return (pictures,)
    parts: tuple[Tensor, ...] = pictures.split(max(1, pixels // pictures.shape[-2:].numel()))
    return parts
