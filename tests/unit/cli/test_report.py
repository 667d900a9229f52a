"""``m5kit report``: which figures it shows unless told."""

import pytest

from m5kit.ablation.outcomes import Found, Outcome
from m5kit.ablation.trial_folder import Status
from m5kit.cli.report import _one_of_each_task


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        (["a/mrr@1", "a/mrr@10", "b/accuracy"], ["a/mrr@10", "b/accuracy"]),
        (["a/mrr@10", "a/mrr@10|noise=0", "a/mrr@10|noise|relative"], ["a/mrr@10"]),
        (["pairs/r@1|mean", "pairs/r@1|x->y", "pairs/coverage|x->y", "b/accuracy"], ["pairs/r@1|mean", "b/accuracy"]),
        (["noise/mrr@10|noise=0", "noise/mrr@10|noise=1", "b/accuracy"], ["b/accuracy"]),
        (["noise/mrr@10|noise=0", "noise/mrr@10|noise=1"], ["noise/mrr@10|noise=1"]),
        ([], []),
    ],
)  # fmt: skip
def test_one_figure_of_each_task_is_shown_and_none_of_its_parts(there, shown):
    scores = {name: {"value": 0.5, "chance": None} for name in there}
    assert _one_of_each_task(Found([Outcome("plain", "", 0, scores, Status("done"), "run")])) == shown
