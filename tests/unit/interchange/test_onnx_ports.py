"""The tensors of a graph stand for the inputs of any items."""

import numpy as np
import pytest
import torch

from m5kit.data.dataset import Prepared
from m5kit.interchange.onnx_ports import Port, feed, read
from m5kit.structures import Inputs

PICTURE = Port("image", Inputs.single(torch.zeros(3, 4, 4, dtype=torch.uint8), length=1))
TABLE = Port("table", Inputs.single(torch.tensor([7, 8, 9]), {"groups": torch.tensor([0, 0, 1])}))


def test_names_and_axes_tell_what_is_free():
    assert PICTURE.names == ["image"]
    assert PICTURE.axes == [["batch", 3, 4, 4]]
    assert TABLE.names == ["table", "table_lengths", "table_groups"]
    assert TABLE.axes == [["batch", "table_steps"], ["batch"], ["batch", "table_steps"]]


def test_items_are_padded_and_what_they_lack_is_masked():
    table = Inputs.single(torch.tensor([5, 6]), {"groups": torch.tensor([0, 0])})
    fed = feed([PICTURE, TABLE], [Prepared("a", {"table": table}), Prepared("b", {"image": PICTURE.example})])
    assert fed["present"].tolist() == [[False, True], [True, False]]
    assert fed["table"].tolist() == [[5, 6], [0, 0]]
    assert fed["table_lengths"].tolist() == [2, 1]
    assert fed["table_groups"].tolist() == [[0, 0], [-1, -1]]
    assert fed["image"].shape == (2, 3, 4, 4)
    assert fed["image"].dtype == np.uint8


@pytest.mark.parametrize("length", [0, 1])
def test_reading_gives_the_inputs_back_and_no_length_below_one(length):
    fed = feed([PICTURE, TABLE], [Prepared("a", {"image": PICTURE.example}), Prepared("b", {"table": TABLE.example})])
    fed["table_lengths"][0] = length
    present, inputs = read([PICTURE, TABLE], [torch.from_numpy(array) for array in fed.values()])
    assert present.tolist() == [[True, False], [False, True]]
    assert inputs["table"].lengths.tolist() == [1, 3]
    assert inputs["table"].extras["groups"].tolist() == [[-1, -1, -1], [0, 0, 1]]
    assert inputs["image"].lengths.tolist() == [1, 1]
