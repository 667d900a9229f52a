import torch
from m5kit_encoder_bag_of_words import BagOfWords

from m5kit.api import Inputs
from m5kit.testing import check_encoder


def test_it_keeps_the_contract():
    assert check_encoder(BagOfWords).ran > 15


def test_the_order_of_words_does_not_matter_to_the_summary():
    encoder = BagOfWords(dim=8, vocabulary=20, mask_id=2)
    one, other = (encoder(Inputs.stack([Inputs.single(torch.tensor(ids))])) for ids in ([3, 4, 5], [5, 3, 4]))
    assert torch.allclose(one.summary, other.summary)
    assert torch.allclose(one.summary[0], encoder.words.weight[3:6].mean(0))
