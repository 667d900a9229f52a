"""Items cost what their modalities show a model; rows are looked at once, and no file is read."""

import numpy as np
import pytest

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.item_costs import ItemCosts
from m5kit.data.pipeline import Pipeline
from m5kit.data.transforms.image import ImageTransform
from m5kit.structures import Sample

PIPELINES = {
    "image": Pipeline(PillowDecoder(), ImageTransform(size=8)),
    "cover": Pipeline(PillowDecoder(), ImageTransform(size=2), source="image"),
}


class Rows(list):
    """Counts how often each is read."""

    def __init__(self, rows):
        super().__init__(rows)
        self.read = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


@pytest.fixture
def rows():
    return Rows(
        [
            Sample("both", {"image": "nowhere.png"}, {}),
            Sample("cover", {"cover": "nowhere.png"}, {}),
            Sample("nothing", {}, {}),
            Sample("image alone", {"image": "nowhere.png"}, {}, lost=frozenset(["cover"])),
        ]
    )


def test_an_item_costs_the_numbers_of_all_it_has(rows):
    costs = ItemCosts(rows, PIPELINES)
    assert costs(np.array([3, 0, 2, 1])).tolist() == [192, 204, 0, 12]


def test_a_row_is_read_when_it_is_first_asked_for(rows):
    costs = ItemCosts(rows, PIPELINES)
    assert rows.read == []
    costs(np.array([1, 0]))
    assert costs(np.array([0, 2])).tolist() == [204, 0]
    assert rows.read == [1, 0, 2]
