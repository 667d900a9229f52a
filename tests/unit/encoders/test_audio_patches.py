import pytest
import torch

from m5kit.errors import ConfigError, ContractError
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs


def encoder(**arguments):
    torch.manual_seed(0)
    given = {"type": "audio_patches", "dim": 8, "mels": 3, "steps": 8, "patch": 4, "width": 4, "heads": 2}
    return ENCODERS.build(given | arguments).eval()


def test_a_token_is_a_stretch_of_steps_and_the_last_one_is_filled_up():
    steps = torch.arange(1.0, 19.0).view(1, 6, 3)
    observation = encoder().observe(Inputs(steps, torch.tensor([5])))
    assert observation.lengths.tolist() == [2]
    assert observation.values.tolist() == [[list(range(1, 13)), [13, 14, 15, *[0] * 9]]]


def test_the_shortest_sound_has_a_token():
    tokens = encoder()(Inputs(torch.randn(1, 1, 3), torch.tensor([1])))
    assert tokens.lengths.tolist() == [2]
    assert tokens.values.isfinite().all()


def test_the_place_in_time_matters():
    burst = torch.zeros(2, 8, 3)
    burst[0, :4], burst[1, 4:] = 1.0, 1.0
    summary = encoder()(Inputs(burst, torch.tensor([8, 8]))).summary
    assert (summary[0] - summary[1]).abs().max() > 1e-5


def test_too_long_a_sound_names_the_setting():
    with pytest.raises(ContractError, match="a sound has 9 steps, the encoder was built for 8; set the same steps"):
        encoder().observe(Inputs(torch.zeros(1, 9, 3), torch.tensor([9])))


def test_an_odd_patch_is_refused():
    with pytest.raises(ConfigError, match="patch 5 is odd; the stem halves the time steps, so choose an even number"):
        encoder(patch=5)
