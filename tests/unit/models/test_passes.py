import pytest
from torch import nn

from m5kit.models.passes import cuts, pass_by_task, swaps
from m5kit.registry import TASKS


class Listening:
    """Peers that note which parts were called with nothing."""

    def __init__(self):
        self.passed = []

    def pass_by(self, part):
        self.passed.append(part)


def task(name, **settings):
    return TASKS.build({"type": name, **settings}, modalities=("a", "b"), dim=4)


@pytest.mark.parametrize(("name", "swapped", "cut"), [("matching", True, False), ("completion", False, True)])
def test_a_task_that_asks_for_a_pass_of_the_fusion_is_known_by_its_methods(name, swapped, cut):
    asked = task(name)
    assert (swaps(asked), cuts(asked)) == (swapped, cut)


def test_a_process_without_items_for_a_task_passes_by_all_that_others_run():
    fusion, head = nn.Identity(), nn.Linear(2, 2)
    asked, peers = task("matching"), Listening()
    asked.units = lambda: [head]
    pass_by_task(asked, fusion, peers)
    assert peers.passed == [fusion, head]


def test_a_task_without_passes_of_its_own_asks_for_none():
    peers = Listening()
    pass_by_task(task("contrastive"), nn.Identity(), peers)
    assert peers.passed == []
