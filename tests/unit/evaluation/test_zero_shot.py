"""Zero-shot classes: made of prompts or of a catalogue, compared by direction, never fitted."""

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.zero_shot import ZeroShot

ITEMS = Embedded(
    ["a", "b", "c", "d", "e"],
    [[5.0, 0.1], [0.1, 1.0], [1.0, 0.2], [0.0, 0.0], [1.0, 1.0]],
    {"kind": ["mug", "jug", "jug", "mug", "lamp"]},
)


def test_prompts_are_items_of_the_metrics_own():
    prompts = {"words": ["a {}", "{}!"], "facts": [{"category": "{}", "parts": ["{} lid"], "year": 3}]}
    metric = ZeroShot(split="test", label="kind", classes={"mug": "cup", "jug": "jug"}, prompts=prompts)
    request = metric.requests()[1]
    assert (request.modalities, request.space) == (("facts", "words"), "contrastive")
    assert [dict(sample.sources) for sample in request.samples[:2]] == [{"words": "a cup"}, {"words": "a jug"}]
    assert request.samples[4].sources == {"facts": {"category": "cup", "parts": ["cup lid"], "year": 3}}
    assert request.samples[4].labels == {"kind": "mug"}
    assert len({sample.id for sample in request.samples}) == 6
    assert hash(request) == hash(metric.requests()[1])


def test_figures_by_hand():
    metric = ZeroShot(split="test", label="kind", classes=["mug", "jug"], prompts={"words": ["{}"]})
    items, described = metric.requests()
    classes = Embedded(["1", "2"], [[0.3, 0.0], [0.0, 9.0]], {"kind": ["mug", "jug"]})
    figures = metric.compute({items: ITEMS, described: classes}, 0)
    assert figures["accuracy"].value == 0.5  # a and b are right; c is not; of d the model saw nothing
    assert figures["balanced_accuracy"].value == 0.5
    assert (figures["coverage"].value, figures["coverage"].count) == (0.8, 5)  # a lamp is none of the classes


def test_a_class_of_a_catalogue_is_the_mean_direction_of_its_items():
    metric = ZeroShot(split="test", label="kind", catalogue="shop", catalogue_modalities=["words"])
    assert metric.requests()[1] == Request("shop", ("words",), "contrastive")
    shop = Embedded(["1", "2", "3", "4"], [[100, 0], [0, 1], [-1, 1], [0, 0]], {"kind": ["mug", "mug", "jug", "lamp"]})
    one = Embedded(["q"], [[0.2, 1.0]], {"kind": ["mug"]})  # nearer to (0, 1) + (1, 0) than to (-1, 1)
    figures = metric.compute(dict(zip(metric.requests(), (one, shop), strict=True)), 0)
    assert figures["accuracy"].value == 1.0


def test_classes_that_nothing_describes_are_an_error():
    metric = ZeroShot(split="test", label="kind", catalogue="shop", classes=["boat"])
    shop = Embedded(["1"], np.ones((1, 2)), {"kind": ["mug"]})
    with pytest.raises(DataError, match="nothing describes the classes of the label 'kind'"):
        metric.compute(dict(zip(metric.requests(), (ITEMS, shop), strict=True)), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either prompts or a catalogue"),
        ({"prompts": {"words": ["{}"]}, "catalogue": "shop"}, "either prompts or a catalogue"),
        ({"prompts": {"words": ["{}"]}}, "classes: expected the labels to choose from"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        ZeroShot(split="test", label="kind", **arguments)
