import torch

from m5kit.descriptors.atoms import KEPT, AtomDescriptor
from m5kit.nn.patch_dictionary import PatchDictionary, shown
from m5kit.structures import Inputs


class Levels(AtomDescriptor):
    """The mean of a map, and its atoms in the whole and in two halves."""

    def __init__(self, atoms):
        dictionary = PatchDictionary(channels=1, patch=(3, 3), atoms=atoms, stride=(1, 1)) if atoms else None
        super().__init__(blocks=(1, 1), shares=(3.0, 4.0), dictionary=dictionary, regions=2, share=2.0)

    def maps(self, inputs):
        places = self.dictionary.places(inputs.lengths) * self.dictionary.places(torch.tensor(8), axis=1)
        return inputs.values[:, None], places

    def measure(self, inputs):
        level = inputs.values.mean((1, 2))[:, None]
        blocks = [level, level.square()]
        if self.dictionary is not None:
            found = torch.cat(shown(self.dictionary(inputs.values[:, None])), dim=1)
            halves = torch.stack([found[..., :3, :].mean((2, 3)), found[..., 3:, :].mean((2, 3))], dim=1)
            blocks += self.occurrences(halves)
        return torch.cat(blocks, dim=1)


def _inputs(items=12):
    values = torch.randn(items, 8, 8, generator=torch.Generator().manual_seed(0))
    return Inputs(values, torch.full((items,), 8))


def test_the_whole_and_its_regions_are_reduced_to_a_block_each():
    descriptor, inputs = Levels(5), _inputs()
    descriptor.study(descriptor.pieces(inputs))
    assert descriptor.measure(inputs).shape == (12, 2 + 2 * 5 + 2 * 2 * 5)
    known = descriptor.fit(descriptor.measure(inputs))
    assert known.shape == descriptor.measure(inputs).shape == (12, 2 + 2 * KEPT)
    assert torch.equal(known, descriptor.measure(inputs))
    assert descriptor.shares.tolist() == [3.0, 4.0, 2.0, 2.0]


def test_pieces_come_from_within_an_input():
    inputs = _inputs(2)
    inputs.values[0, 5:] = 100.0
    shorter = Inputs(inputs.values, torch.tensor([5, 8]))
    pieces = Levels(5).pieces(shorter)
    assert pieces.shape[1] == 9
    assert pieces.max() < 100
    assert len(pieces.unique(dim=0)) > len(pieces) / 4


def test_without_a_dictionary_nothing_is_studied_and_no_block_added():
    descriptor = Levels(0)
    assert not descriptor.studies
    assert descriptor.width == 2
    assert not any("reduction" in name or "dictionary" in name for name in descriptor.state_dict())


def test_before_a_corpus_is_known_vectors_have_their_width():
    descriptor = Levels(5)
    assert descriptor(_inputs()).shape == (12, descriptor.width) == (12, 2 + 2 * KEPT)
