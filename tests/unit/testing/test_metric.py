"""Each check of metrics fails a metric that is broken in that one way."""

import re
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from m5kit.api import Gallery, GalleryHit, GalleryQuery, Metric, MetricValue, Request
from m5kit.testing import check_metric

CALLS = count()


class Good(Metric):
    """Mean distance to the centre of the own class."""

    def __init__(self, *, split: str, label: str) -> None:
        self.label = label
        self.request = Request.of(split, None, "fused")

    def requests(self):
        return (self.request,)

    def compute(self, embedded, seed):
        items = embedded[self.request]
        labels = items.label(self.label)
        centres = {name: items.vectors[labels == name].mean(0) for name in np.unique(labels)}
        away = [np.linalg.norm(v - centres[name]) for v, name in zip(items.vectors, labels, strict=True)]
        return {"spread": MetricValue(float(np.mean(away)), None, None, None, len(items))}

    def value_names(self):
        return ["spread"]

    def sample_hits(self, embedded, seed):
        items = embedded[self.request]
        near = [GalleryHit(str(items.ids[i]), "", score, False) for i, score in ((1, 0.9), (2, 0.1))]
        return Gallery("test", "test", None, None, self.label, [GalleryQuery(str(items.ids[0]), "", near)])


class Unrelated:
    pass


class CatchesAll(Good):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class AsksForNothing(Good):
    def requests(self):
        return ()


class LiesOutside(Good):
    def compute(self, embedded, seed):
        return {"spread": MetricValue(0.5, None, 0.6, 0.7, 3)}


class Guesses(Good):
    def compute(self, embedded, seed):
        return {"spread": MetricValue(float(next(CALLS)), None, None, None, 3)}


class WritesInPlace(Good):
    def compute(self, embedded, seed):
        embedded[self.request].vectors[:] = 0
        return super().compute(embedded, seed)


class RaisesSomethingElse(Good):
    def compute(self, embedded, seed):
        embedded[self.request].labels[self.label]
        return super().compute(embedded, seed)


class ShowsTheWorstFirst(Good):
    def sample_hits(self, embedded, seed):
        shown = super().sample_hits(embedded, seed)
        query = shown.queries[0]
        return replace(shown, queries=[replace(query, hits=query.hits[::-1])])


class NamesOthers(Good):
    def value_names(self):
        return ["width"]


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Metric"),
    "constructor_is_explicit": (CatchesAll, r"it takes \*\*kwargs"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "asks_for_embeddings": (AsksForNothing, "return a tuple of Request"),
    "values_are_well_formed": (LiesOutside, "'spread' lies outside its interval"),
    "value_names_are_true": (NamesOthers, "compute gives spread, which value_names leaves out"),
    "same_seed_gives_the_same": (Guesses, "a second call gives other values"),
    "embeddings_are_left_alone": (WritesInPlace, "changed in place; copy them"),
    "missing_label_is_a_data_error": (RaisesSomethingElse, "it raised KeyError"),
    "sampled_hits_are_well_formed": (ShowsTheWorstFirst, "are not ordered by score"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_metric_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("metrics", part, rule))


def test_every_check_has_a_broken_metric(covers):
    covers("metrics", BROKEN)


def test_a_good_metric_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_metric(Good, only=rules).ran == len(rules)
