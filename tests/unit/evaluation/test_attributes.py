"""Properties as labels: what is hidden, which properties count, and what stands beside an accuracy."""

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.attributes import Attributes
from m5kit.evaluation.base import Corruption, Embedded, Request

GIVEN = {"train": "train", "test": "test", "source": "facts", "modalities": ["facts", "sight"]}


def items(count, seed):
    rng = np.random.default_rng(seed)
    hue = rng.choice(["red", "blue"], count, p=[0.7, 0.3])
    vectors = rng.normal(size=(count, 4)) + 5 * (hue[:, None] == "red")
    labels = {"facts.hue": hue, "facts.size": [str(i) for i in range(count)], "facts.rare": ["x", *[""] * (count - 1)]}
    return Embedded([f"{seed} {i}" for i in range(count)], vectors, labels | {"coarse": hue})


def test_the_modality_is_hidden_and_its_properties_become_labels():
    metric = Attributes(**GIVEN)
    assert metric.requests() == (
        Request("train", ("sight",), properties="facts"),
        Request("test", ("sight",), properties="facts"),
    )


def test_or_only_the_property_is_withheld():
    metric = Attributes(**GIVEN, withhold="property", properties=["hue"])
    change = Corruption("withheld", "facts", key="hue")
    assert [(r.split, r.modalities, r.corruption) for r in metric.requests()] == [
        ("train", ("facts", "sight"), change),
        ("test", ("facts", "sight"), change),
    ]
    embedded = dict(zip(metric.requests(), (items(60, 0), items(40, 1)), strict=True))
    assert metric.compute(embedded, 0)["accuracy|hue"].value == 1.0


def test_measures_and_rare_properties_do_not_count():
    metric = Attributes(**GIVEN)
    train, test = items(60, 0), items(40, 1)
    figures = metric.compute(dict(zip(metric.requests(), (train, test), strict=True)), 0)
    assert set(figures) == {f"{a}|{b}" for a in ("accuracy", "balanced_accuracy") for b in ("mean", "hue")}
    assert figures["accuracy|hue"].value == 1.0
    assert figures["accuracy|hue"].chance == (test.labels["facts.hue"] == "red").mean()
    assert (figures["accuracy|mean"].value, figures["accuracy|mean"].count) == (1.0, 1)


def test_no_property_with_enough_items_is_an_error():
    metric = Attributes(**GIVEN, least_items=50)
    with pytest.raises(DataError, match="no property of 'facts' has 50 items in 'train' and in 'test'"):
        metric.compute(dict(zip(metric.requests(), (items(60, 0), items(40, 1)), strict=True)), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"withhold": "word"}, "expected 'modality' or 'property', got 'word'"),
        ({"withhold": "property"}, "properties: expected those to withhold"),
        ({"modalities": ["facts"]}, "nothing is left to see once 'facts' is hidden"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Attributes(**GIVEN | arguments)
