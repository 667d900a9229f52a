import pytest
import torch

from m5kit.encoders.text_tokens import TextTokens
from m5kit.errors import ContractError
from m5kit.nn.transformer import TransformerShape
from m5kit.structures import Inputs


def encoder():
    torch.manual_seed(0)
    return TextTokens(dim=8, vocabulary=10, max_tokens=4, mask_id=2, shape=TransformerShape(heads=2)).eval()


def test_a_task_may_hide_the_ids_as_they_are():
    observation = encoder().observe(Inputs(torch.tensor([[5, 6, 0]]), torch.tensor([2])))
    assert observation.values.tolist() == [[5, 6, 0]]
    assert (observation.vocabulary, observation.mask_id) == (10, 2)


def test_word_order_matters():
    pair = encoder()(Inputs(torch.tensor([[5, 6], [6, 5]]), torch.tensor([2, 2]))).values
    assert (pair[0, 0] - pair[1, 0]).abs().max() > 1e-4


def test_an_empty_text_has_a_summary():
    tokens = encoder()(Inputs(torch.zeros(1, 0, dtype=torch.int64), torch.tensor([0])))
    assert tokens.lengths.tolist() == [1]
    assert tokens.values.isfinite().all()


def test_too_long_a_text_names_the_setting():
    with pytest.raises(
        ContractError, match="a text has 5 tokens, the encoder was built for 4; set the same max_tokens"
    ):
        encoder()(Inputs(torch.ones(1, 5, dtype=torch.int64), torch.tensor([5])))
