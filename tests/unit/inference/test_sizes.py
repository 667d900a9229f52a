"""Metrics of shortened vectors: every size of one pass over the items, beside the whole vectors."""

from types import SimpleNamespace

import numpy as np
import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded
from m5kit.inference.evaluation import evaluate
from m5kit.inference.sizes import Size, evaluate_sizes, sizes
from m5kit.parallel.group import Group
from m5kit.plugins import PluginScope

CONFIGURED = {
    "near": {"type": "retrieval", "query": "test", "label": "kind", "ks": [10]},
    "narrow": {"type": "retrieval", "query": "test", "label": "kind", "space": "contrastive"},
    "lengths": {"type": "retrieval", "query": "test", "label": "kind", "space": "unscaled"},
}
WIDTHS = {"item": 64, "contrastive": 16, "unscaled": 64}


class Run(SimpleNamespace):
    """Answers every request with items of three kinds that lie near each other."""

    def embed(self, requests):
        rng = np.random.default_rng(0)
        kinds = np.arange(60) % 3
        embedded = {}
        for request in requests:
            width = WIDTHS[request.space]
            near = rng.normal(size=(3, width))[kinds] + rng.normal(size=(60, width))
            embedded[request] = Embedded([*map(str, range(60))], near, {"kind": kinds.astype(str)})
        return embedded


@pytest.fixture
def run():
    return Run(
        config=SimpleNamespace(
            evaluation=CONFIGURED, seed=0, plugins=PluginScope(), data=SimpleNamespace(label=None), tasks={}
        ),
        data=SimpleNamespace(manifest=SimpleNamespace(split_sizes=lambda: {"test": 60})),
        model=SimpleNamespace(backbone=SimpleNamespace(modalities=("a",), encoders={}), predicts=None),
        group=Group(),
    )


def test_the_first_size_is_the_whole_and_fewer_bits_lose_more(run):
    found = evaluate_sizes(run, sizes([32, 4], ["float32", "binary"][:1]), ["near"])
    values = [each.evaluation.results["near"]["map_std@10"].value for each in found]
    assert found[0].evaluation.results == evaluate(run, ["near"]).results
    assert values[0] > values[1] > values[2]
    assert [each.bytes for each in found] == [256, 128, 16]


def test_what_is_narrower_stays_whole_and_lengths_are_not_compared(run):
    whole, short = evaluate_sizes(run, sizes([32], []))
    assert set(short.evaluation.results) == {"near", "narrow"}
    assert short.evaluation.results["narrow"] == whole.evaluation.results["narrow"]
    assert short.as_json()["width"] == 32
    assert (short.as_json()["precision"], short.as_json()["bytes"]) == ("float32", 128)


def test_all_mistakes_in_the_sizes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        sizes([0, 12], ["int4", "binary"])
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigError, match="give the widths to compare"):
        sizes([], ["int8"])
    assert Size(64, "binary").bytes(100) == 8
