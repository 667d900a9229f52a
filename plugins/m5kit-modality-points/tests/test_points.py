import numpy as np
import pytest
import torch
from m5kit_modality_points.decoder import XyzDecoder
from m5kit_modality_points.encoder import PointTokens
from m5kit_modality_points.transform import PointPatches

from m5kit.api import DecodeError
from m5kit.testing import check_decoder, check_encoder, check_transform


@pytest.mark.parametrize(
    ("check", "part"), [(check_decoder, XyzDecoder), (check_transform, PointPatches), (check_encoder, PointTokens)]
)
def test_the_parts_keep_their_contracts(check, part):
    assert check(part).ran > 8


def test_colours_behind_the_coordinates_are_ignored(tmp_path):
    (tmp_path / "a.xyz").write_text("0 1 2 255 0 0\n\n3 4 5 0 0 0\n")
    assert XyzDecoder()("a.xyz", tmp_path).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("text", ["0 1\n", "0 1 2\n3 4\n", "0 1 nan\n"])
def test_what_is_no_cloud_is_refused(tmp_path, text):
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(DecodeError, match=r"cannot read a\.xyz: "):
        XyzDecoder()("a.xyz", tmp_path)


def test_place_and_size_of_a_cloud_do_not_matter():
    cloud = np.random.default_rng(1).normal(size=(30, 3)).astype(np.float32)
    transform = PointPatches(patches=5, neighbours=3)
    one, other = transform(cloud), transform(7 * cloud + 2)
    assert one.values.shape == (5, 12)
    assert torch.allclose(one.values, other.values, atol=1e-4)


def test_a_single_point_is_one_patch():
    assert PointPatches(patches=5, neighbours=3)(np.ones((1, 3), dtype=np.float32)).values.tolist() == [[0.0] * 12]
