import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.nn.patches import check_patch, join_patches, split_patches


def test_cutting_and_joining_gives_the_picture_back():
    pictures = torch.randn(2, 3, 8, 12)
    assert torch.equal(join_patches(split_patches(pictures, 4), 4, 2), pictures)


def test_patches_go_row_by_row():
    picture = torch.arange(16.0).view(1, 1, 4, 4)
    assert split_patches(picture, 2)[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


@pytest.mark.parametrize("patch", [12, 20])
def test_a_patch_that_does_not_fit_is_refused_with_those_that_do(patch):
    with pytest.raises(ConfigError, match=rf"patch {patch} must divide size 48 .* choose one of \[8, 16, 24, 48\]"):
        check_patch(48, patch, 8)
