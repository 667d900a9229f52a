import pytest
import torch

from m5kit.structures import Inputs


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def pair_extras(items, size):
    groups = torch.arange(size).div(3, rounding_mode="floor").expand(items, size).clone()
    roles = torch.tensor([1, 2, 2]).repeat(size // 3 + 1)[:size].expand(items, size).clone()
    return {"groups": groups, "roles": roles}


def random_inputs(kind, items, size, lengths):
    """Random inputs of one kind, ``size`` steps of which the first ``lengths`` are real."""
    lengths = torch.tensor(lengths)
    if kind == "image_patches":
        return Inputs(
            torch.randint(0, 256, (items, 3, 32, 32), dtype=torch.uint8), torch.ones(items, dtype=torch.int64)
        )
    if kind == "video_frames":
        return Inputs(torch.randint(0, 256, (items, size, 3, 16, 16), dtype=torch.uint8), lengths)
    if kind == "audio_patches":
        return Inputs(torch.randn(items, 4 * size, 12), lengths * 4 - 1)
    extras = pair_extras(items, size) if kind == "table_properties" else {}
    return Inputs(torch.randint(3, 20, (items, size)), lengths, extras)


ARGUMENTS = {
    "image_patches": {"size": 32, "patch": 8},
    "text_tokens": {"vocabulary": 20, "max_tokens": 9, "mask_id": 2},
    "table_properties": {"vocabulary": 20, "max_tokens": 9, "mask_id": 2},
    "video_frames": {"size": 16, "frames": 9, "patch": 8},
    "audio_patches": {"mels": 12, "steps": 36, "patch": 4},
}


@pytest.fixture(params=sorted(ARGUMENTS))
def kind(request):
    return request.param


@pytest.fixture
def make_inputs():
    return random_inputs


@pytest.fixture
def make_encoder():
    from m5kit.registry import ENCODERS

    def build(kind, **arguments):
        config = {"type": kind, "dim": 16, "layers": 1, "heads": 2, "dropout": 0.0, **ARGUMENTS[kind], **arguments}
        return ENCODERS.build(config).eval()

    return build
