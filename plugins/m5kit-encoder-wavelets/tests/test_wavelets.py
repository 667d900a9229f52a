import pytest
import torch

from m5kit.api import ConfigError, Inputs
from m5kit.testing import check_encoder

pywt = pytest.importorskip("pywt")
from m5kit_encoder_wavelets import CENTRE, SPREAD, Wavelets  # noqa: E402  # needs the library


def test_it_keeps_the_contract():
    assert check_encoder(Wavelets).ran > 15


@pytest.mark.parametrize("wavelet", ["haar", "db2", "sym4"])
def test_coefficients_keep_the_energy_of_the_picture(wavelet):
    picture = torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)
    encoder = Wavelets(dim=8, size=16, wavelet=wavelet, levels=2, heads=2)
    seen = encoder.observe(Inputs(picture, torch.ones(1, dtype=torch.int64)))
    assert seen.values.shape == (1, 16, 48)
    energy = ((picture.float() - CENTRE) / SPREAD).square().sum()
    assert torch.isclose(seen.values.square().sum(), energy, rtol=1e-4)


def test_one_level_of_haar_agrees_with_the_library():
    picture = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    seen = Wavelets(dim=8, size=8, wavelet="haar", levels=1, heads=2).observe(
        Inputs.stack([Inputs.single(picture, length=1)])
    )
    low, _ = pywt.dwt2(((picture[0].float() - CENTRE) / SPREAD).numpy(), "haar")
    assert torch.allclose(seen.values[0, :, 0], torch.tensor(low).flatten(), atol=1e-5)


def test_mistakes_are_told():
    with pytest.raises(ConfigError, match="PyWavelets knows no discrete 'db99'"):
        Wavelets(dim=8, size=16, wavelet="db99")
    with pytest.raises(ConfigError, match="20 pixels cannot be halved 3 times"):
        Wavelets(dim=8, size=20)
