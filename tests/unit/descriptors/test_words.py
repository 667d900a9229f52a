import torch

from m5kit.descriptors.words import WordsDescriptor
from m5kit.structures import Inputs


def _texts(*texts):
    return Inputs.stack([Inputs.single(torch.tensor(ids)) for ids in texts])


def test_order_does_not_matter_and_rare_words_do():
    inputs = _texts([3, 4, 5], [5, 4, 3], [3, 4, 6], [3, 4, 6], [3, 4, 5])
    descriptor = WordsDescriptor(vocabulary=10)
    descriptor.fit(descriptor.measure(inputs))
    vectors = descriptor(inputs)
    torch.testing.assert_close(vectors[0], vectors[1])
    assert vectors[0] @ vectors[2] < 0  # they share only what everybody has


def test_a_word_of_one_text_says_nothing():
    inputs = _texts([3, 4], [3, 5], [3, 5])
    descriptor = WordsDescriptor(vocabulary=10)
    descriptor.fit(descriptor.measure(inputs))
    assert descriptor.rarity[4] == 0 < descriptor.rarity[5]


def test_a_large_vocabulary_is_folded():
    descriptor = WordsDescriptor(vocabulary=5000, width=64)
    measured = descriptor.measure(_texts([4999, 17], [17, 4999], [18, 40]))
    assert measured.shape == (3, 64)
    torch.testing.assert_close(measured[0], measured[1])
    assert abs(float(measured[0] @ measured[2])) < 0.9
