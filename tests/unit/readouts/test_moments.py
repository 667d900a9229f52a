import pytest
import torch

from m5kit.readouts.moments import MomentsReadout
from m5kit.structures import Tokens


def test_mean_and_deviation_of_the_observed_tokens():
    tokens = Tokens(torch.tensor([[[50.0], [1.0], [3.0], [70.0]]]), torch.tensor([3]))
    mean, deviation = MomentsReadout(dim=1)(tokens)[0].tolist()
    assert mean == 2
    assert deviation == pytest.approx(1, abs=1e-5)
