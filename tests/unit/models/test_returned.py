import pytest
import torch

from m5kit.errors import PluginError
from m5kit.models.returned import returned
from m5kit.registry import FUSIONS


def test_another_kind_names_the_part_and_what_it_gave():
    tensor = torch.zeros(2)
    assert returned(tensor, torch.Tensor, None) is tensor
    part = FUSIONS.get("mean")(modalities=("a",), dim=2)
    with pytest.raises(PluginError, match="MeanFusion returned Tensor, expected dict; m5kit plugins check"):
        returned(tensor, dict, part)
