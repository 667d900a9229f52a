"""Sounds by statistics of their log-mel bands."""

import torch
from torch import Tensor
from torch.nn import functional as F

from m5kit.descriptors.atoms import AtomDescriptor
from m5kit.nn.patch_dictionary import PatchDictionary, shown
from m5kit.nn.pooling import length_mean, segment_means
from m5kit.ranges import Count, Natural
from m5kit.registry import DESCRIPTORS
from m5kit.structures import Inputs, length_mask

REGIONS = 6
"""Stretches of a sound in which atoms are counted."""
ATOMS = 1.4
"""How much they count in the whole sound, and how much by stretch: together as much as the rest."""
STEPS = 10
"""Time steps of a patch, which has all bands."""


@DESCRIPTORS.register_module("spectrum")
class SpectrumDescriptor(AtomDescriptor):
    """Mean, deviation and course of every band, the deviation of its change in time, and typical stretches of sound.

    Args:
        mels: bands of a time step.
        segments: stretches of equal length in whose means the course is told.
        atoms: how many typical stretches of ten time steps are learned of the training items' sounds; the vector then
            tells which of them occur, and when. 0 for none.
    """

    needs = frozenset({"mels"})

    def __init__(self, *, mels: Count, segments: Count = 8, atoms: Natural = 0) -> None:
        dictionary = None
        if atoms:
            dictionary = PatchDictionary(channels=mels, patch=(STEPS, 1), atoms=atoms, stride=(2, 1))
        super().__init__(
            blocks=(mels, mels, mels, segments * mels),
            shares=(1.0,) * 4,
            dictionary=dictionary,
            regions=REGIONS,
            share=ATOMS,
        )
        self.segments = segments

    def measure(self, inputs: Inputs) -> Tensor:
        """``p w`` from ``p t mels`` steps."""
        steps = _real(inputs)
        mean = length_mean(steps, inputs.lengths)
        deviation = length_mean((steps - mean[:, None]).square(), inputs.lengths).sqrt()
        # A sequence of n steps has n - 1 changes; the one from its last step into the padding must not count.
        change = length_mean(steps.diff(dim=1).square(), (inputs.lengths - 1).clamp(min=0)).sqrt()
        blocks = [mean, deviation, change, segment_means(steps, inputs.lengths, self.segments).flatten(1)]
        if self.dictionary is not None:
            found = torch.cat(shown(self.dictionary(_as_maps(steps))), dim=1).squeeze(3).transpose(1, 2)
            blocks += self.occurrences(segment_means(found, self.dictionary.places(inputs.lengths), REGIONS))
        return torch.cat(blocks, dim=1)

    def maps(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Sounds as maps of one column, time down, with a channel a band."""
        assert self.dictionary is not None
        return _as_maps(_real(inputs)), self.dictionary.places(inputs.lengths)

    @classmethod
    def example(cls) -> tuple["SpectrumDescriptor", Inputs]:
        """A small instance, and three sounds of different lengths."""
        return cls(mels=6, segments=2, atoms=4), Inputs.stack(
            [Inputs.single(torch.randn(length, 6)) for length in (9, 20, 1)]
        )


def _real(inputs: Inputs) -> Tensor:
    """The steps ``p t mels`` with zeros for padding.

    In float32 whatever the inputs are: squares of half-precision numbers lose what deviations are about.
    """
    real = length_mask(inputs.lengths, inputs.values.shape[1], inputs.values.device)[..., None]
    return inputs.values.float().masked_fill(~real, 0.0)


def _as_maps(steps: Tensor) -> Tensor:
    """``p mels t 1`` of ``p t mels``, with silence for a patch behind the last step."""
    # Always, as a recorded graph cannot ask which sounds are too short; patches that begin in it are not counted.
    return F.pad(steps, (0, 0, 0, STEPS - 1)).transpose(1, 2)[..., None]
