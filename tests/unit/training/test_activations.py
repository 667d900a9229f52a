"""Items that are made up to count what a pass over them keeps; what is counted is compared in ``test_memory.py``."""

import torch

from m5kit.structures import Inputs
from m5kit.training.activations import _full_item


class Short:
    """Its blank is one step long, as that of tokenizers is."""

    def blank(self):
        return Inputs.single(torch.tensor([7]), {"groups": torch.tensor([-1])})

    def provides(self):
        return {"vocabulary": 9, "max_tokens": 5}


def test_items_that_are_made_up_are_as_long_as_can_be():
    item = _full_item(Short())
    assert (item.values.tolist(), item.lengths.item()) == ([7] * 5, 5)
    assert item.extras["groups"].tolist() == [-1] * 5
