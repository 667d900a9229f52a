"""The task of the how-to runs, alone and among peers."""

import re
from pathlib import Path

import torch

from m5kit.testing.views import PRESENT, random_view

PAGE = Path(__file__).parents[3] / "docs/howto/many-gpus.md"


def test_the_task_of_the_page_compares_complete_items():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, type] = {}
    exec(code, names)
    torch.manual_seed(0)
    made = random_view(PRESENT.repeat(2, 1))  # two complete items
    output = names["FirstTwo"]().loss(made.view)
    output.loss.backward()
    assert output.loss > 0
    assert made.leaves["features"].grad[[0, 8]].any()
    assert not made.leaves["features"].grad[1].any()
