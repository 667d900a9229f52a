"""What a comparing task asks of the fusion comes in pieces, each of the rows that it needs."""

from contextlib import nullcontext

import torch

from m5kit.api import Swap
from m5kit.models.base import MicroBatch
from m5kit.models.comparison import Comparison
from m5kit.models.pretrainer import Pretrainer
from m5kit.nn.replay import Replay
from m5kit.registry import BALANCERS, TASKS


def test_a_piece_of_made_up_items_holds_them_and_their_donors(backbone, batch):
    tasks = {"matching": TASKS.build({"type": "matching"}, dim=16)}
    fixed = BALANCERS.build({"type": "fixed"}, tasks=tuple(tasks))
    model = Pretrainer(backbone=backbone(), tasks=tasks, weights={"matching": 1.0}, balancer=fixed)
    whole = MicroBatch(batch([("image", "text")] * 9), {}, 0)
    comparison = Comparison(model, whole, 2, Replay(torch.device("cpu")), nullcontext, {})
    swap = Swap(torch.tensor([0, 4, 8]), torch.tensor([1, 1, 3]), torch.tensor([8, 0, 3]))
    first, second = comparison._swapped("matching", swap)
    assert (first.items.tolist(), second.items.tolist()) == ([0, 4, 8], [3, 8])
    part = first.fuse.args[0]
    assert torch.equal(first.items[part.items], swap.items[:2])
    assert torch.equal(first.items[part.donors], swap.donors[:2])
