import pytest
import torch
from torch.testing import assert_close

from m5kit.nn.stem import POOLINGS, ConvStem
from m5kit.registry import ENCODERS


def stem(patch):
    torch.manual_seed(0)
    return ConvStem(channels=3, dim=5, patch=patch, width=4, blocks=1)


def test_there_is_one_vector_for_each_patch():
    assert stem(24)(torch.randn(2, 3, 48, 72)).shape == (2, 6, 5)


def test_a_picture_does_not_see_another():
    pictures = torch.randn(3, 3, 16, 16)
    network = stem(8)
    assert_close(network(pictures)[1:2], network(pictures[1:2]), atol=1e-5, rtol=1e-5)


def test_patches_come_row_by_row():
    pictures = torch.zeros(1, 3, 64, 64)
    changed = pictures.clone()
    changed[..., :8, 56:] = 5.0  # the top right one of 8 x 8 patches
    network = stem(8).requires_grad_(False)
    for norm in [part for part in network.modules() if isinstance(part, torch.nn.GroupNorm)]:
        norm.forward = lambda values: values  # norms see the whole picture
    moved = (network(changed) - network(pictures)).abs().sum(-1)[0]
    assert moved[7] > 0
    assert moved[56] == 0  # bottom left


def gradient(activation, shift):
    """That of the first norm's bias ``c`` for silence, where the bias alone decides what passes."""
    torch.manual_seed(0)
    stage = list(ConvStem(channels=3, dim=5, patch=8, width=4, blocks=1, activation=activation))[:3]
    bias = stage[1].bias
    torch.nn.init.constant_(bias, shift)
    torch.nn.Sequential(*stage)(torch.zeros(1, 3, 16, 16)).sum().backward()
    return bias.grad


def test_a_rounding_error_in_silence_moves_a_gradient_a_little_or_by_all_of_it():
    up, down = gradient("silu", 1e-7), gradient("silu", -1e-7)
    assert_close(up, down, atol=1e-4, rtol=1e-4)
    assert up.abs().max() > 0
    assert gradient("relu", 1e-7).abs().max() > 0
    assert gradient("relu", -1e-7).abs().max() == 0


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("image_patches", {"size": 16, "patch": 8}),
        ("video_frames", {"size": 24, "frames": 2}),
        ("audio_patches", {"mels": 8, "steps": 20}),
    ],
)
def test_a_run_that_names_no_activation_keeps_its_relu(name, size):
    """Runs of earlier versions name none, and their weights were made for it."""
    kinds = {type(part) for part in ENCODERS.build({"type": name}, dim=16, **size).modules()}
    assert torch.nn.ReLU in kinds
    assert torch.nn.SiLU not in kinds
    smooth = {type(part) for part in ENCODERS.build({"type": name, "activation": "silu"}, dim=16, **size).modules()}
    assert smooth - kinds == {torch.nn.SiLU}
    assert torch.nn.ReLU not in smooth


def test_a_picture_encoder_that_names_no_pooling_keeps_its_maximum():
    """Runs of earlier versions name none; a mean has no jump in its gradient."""

    def kinds(**options):
        encoder = ENCODERS.build({"type": "image_patches", "stem": "cells", **options}, dim=16, size=16, patch=8)
        return {type(part) for part in encoder.modules()}

    assert torch.nn.MaxPool2d in kinds()
    assert kinds() ^ kinds(pooling="mean") == {torch.nn.MaxPool2d, torch.nn.AvgPool2d}


def test_a_mean_shares_the_gradient_of_equal_neighbours():
    pictures = torch.zeros(1, 1, 2, 2, requires_grad=True)
    POOLINGS["mean"](2)(pictures).sum().backward()
    assert pictures.grad.tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]
