from dataclasses import replace

import torch

from m5kit.nn.draws import Draws
from m5kit.registry import TASKS
from m5kit.structures import Partial
from m5kit.tasks.completion import CompletionTask
from m5kit.testing.views import facts_of, random_view

PRESENT = torch.tensor([[True, True, True]] * 300 + [[True, False, True], [False, True, False], [False] * 3])


def _shown():
    return CompletionTask().shown(random_view(PRESENT).view, Draws(0, "kept", torch.arange(len(PRESENT))))


def test_sizes_from_one_to_all_come_alike_often_and_so_do_modalities():
    shown = _shown()[:300]
    sizes = torch.bincount(shown.sum(1), minlength=4)
    assert sizes[0] == 0
    assert sizes[1:].min() > 70
    assert (shown.float().mean(0) - 2 / 3).abs().max() < 0.08


def test_nothing_is_kept_that_is_not_there():
    shown = _shown()
    assert not (shown & ~PRESENT).any()
    assert shown[301].tolist() == [False, True, False]


def test_the_loss_is_the_distance_to_the_whole():
    view = random_view(PRESENT[-4:]).view
    whole = torch.nn.functional.normalize(torch.nn.functional.normalize(view.features, dim=-1).sum(1), dim=-1)
    task = TASKS.build({"type": "completion"})
    for items, wanted in ((whole, 0.0), (-whole, 4.0)):
        given = Partial(view.present, items.detach())
        output = task.loss(replace(view, partial=given))
        torch.testing.assert_close(output.loss, torch.tensor(wanted), atol=1e-5, rtol=0)
    torch.testing.assert_close(output.logs["cosine_of_parts"], torch.tensor(1.0))
    assert task.count(facts_of(view)) == 2  # one item has a single modality, one has none
