"""The conformance checks of metrics."""

import inspect
import json
import pickle
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import numpy as np

from m5kit.api import DataError, Embedded, Gallery, Metric, MetricValue, Request, Result
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.report import Checks, Report, Skip, expect

LABEL = "coarse"
ITEMS = 24
WIDTH = 8
CLASSES = 3


@dataclass(frozen=True)
class MetricCase:
    """A metric and the embeddings that it asks for: three classes that overlap, half predicted right."""

    part: type[Metric]
    make: Callable[[], Metric]
    metric: Metric

    @classmethod
    def of(cls, part: type[Metric]) -> "MetricCase":
        """Build the metric; required names of splits are the arguments' own names, a required label is ``coarse``."""
        words = {}
        for name in inspect.signature(part).parameters:
            if _is_required(part, name):
                words[name] = LABEL if "label" in name else name
        make: Callable[[], Metric] = partial(build, part, **words)
        return cls(part, make, make())

    def embedded(self, label: str = LABEL) -> dict[Request, Embedded]:
        """Embeddings by request; splits have items of their own."""
        return {request: _embedded(request, label) for request in self.metric.requests()}

    def values(self, seed: int = 0) -> Result:
        """What the metric makes of them."""
        return self.metric.compute(self.embedded(), seed)


CHECKS: Checks[MetricCase] = Checks("metrics", class_checks(Metric))


def check_metric(part: type[Metric] | str, only: Collection[str] | None = None) -> Report:
    """Check a metric; arguments that are neither splits nor labels and have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, MetricCase.of, only)


@CHECKS.add
def asks_for_embeddings(case: MetricCase) -> None:
    """requests() names what is to be embedded, the same each time."""
    requests = case.metric.requests()
    right = isinstance(requests, tuple) and requests and all(isinstance(each, Request) for each in requests)
    expect(bool(right), f"it gives {requests!r}; return a tuple of Request")
    expect(requests == case.metric.requests(), "a second call gives something else")


@CHECKS.add
def values_are_well_formed(case: MetricCase) -> None:
    """Values have names, finite values, an interval around the value, and a count."""
    values = case.values()
    expect(bool(values), "there is none")
    for name, value in values.items():
        expect(isinstance(value, MetricValue), f"{name!r} is a {type(value).__name__}; return MetricValue")
        numbers = [n for n in (value.value, value.chance, value.low, value.high) if n is not None]
        expect(bool(np.isfinite(numbers).all()), f"{name!r} holds NaN or infinity: {value}")
        low, high = value.low, value.high
        # a mean of equal values can lie an ulp outside its interval
        around = low is None or high is None or low <= value.value + 1e-9 <= high + 2e-9
        expect(around, f"{name!r} lies outside its interval: {value}")
        expect(value.count > 0, f"{name!r} was made of {value.count} items")


@CHECKS.add
def value_names_are_true(case: MetricCase) -> None:
    """A metric that tells the names of its values before gives no others."""
    names = case.metric.value_names()
    if names is None:
        raise Skip("its names are known only from the items (value_names gives None)")
    others = sorted(set(case.values()) - set(names))
    expect(not others, f"compute gives {', '.join(others)}, which value_names leaves out")


@CHECKS.add
def same_seed_gives_the_same(case: MetricCase) -> None:
    """The same seed gives the same values, whatever the global random state, also from another instance."""
    first = case.values(3)
    # a metric that draws from the global state now gives other values
    np.random.seed(1)
    expect(first == case.values(3), "a second call gives other values")
    expect(first == case.make().compute(case.embedded(), 3), "another instance gives other values")


@CHECKS.add
def embeddings_are_left_alone(case: MetricCase) -> None:
    """The embeddings are not changed; other metrics read them too."""
    embedded = case.embedded()
    before = pickle.dumps(list(embedded.values()))
    case.metric.compute(embedded, 0)
    expect(pickle.dumps(list(embedded.values())) == before, "they were changed in place; copy them")


@CHECKS.add
def missing_label_is_a_data_error(case: MetricCase) -> None:
    """If no item has the label a metric needs it raises DataError."""
    try:
        # every item has a label, but not the one that the metric was built for
        values = case.metric.compute(case.embedded(label="another"), 0)
    except DataError:
        return
    except Exception as error:
        raise AssertionError(f"it raised {type(error).__name__}: {error}") from error
    expect(values == case.values(), "it scored items without the label it was built for")


@CHECKS.add
def sampled_hits_are_well_formed(case: MetricCase) -> None:
    """A metric that searches shows queries of its split with hits from best to worst, the same for a seed, as JSON."""
    gallery = case.metric.sample_hits(case.embedded(), 0)
    if gallery is None:
        raise Skip("it searches nothing (sample_hits gives None)")
    expect(isinstance(gallery, Gallery), f"it gives a {type(gallery).__name__}; return Gallery")
    shown = json.dumps(gallery.as_json())
    again = case.make().sample_hits(case.embedded(), 0)
    expect(again is not None and shown == json.dumps(again.as_json()), "a second call with the same seed differs")
    expect(bool(gallery.queries), "it shows no query")
    for query in gallery.queries:
        scores = [hit.score for hit in query.hits]
        expect(scores == sorted(scores, reverse=True), f"the hits of {query.id!r} are not ordered by score: {scores}")


def _is_required(part: type, name: str) -> bool:
    """Whether an argument is a text without a default."""
    parameter = inspect.signature(part).parameters[name]
    return parameter.default is parameter.empty and parameter.annotation in (str, "str")


def _embedded(request: Request, label: str) -> Embedded:
    """Embeddings for one request; the split seeds them, so that two splits never share items."""
    generator = np.random.default_rng(sum(map(ord, request.split)))
    classes = np.arange(ITEMS) % CLASSES
    centres = 2.0 * np.eye(CLASSES, WIDTH)
    vectors = centres[classes] + generator.normal(size=(ITEMS, WIDTH))
    named = np.array([f"class {number}" for number in range(CLASSES)])
    labels = {label: named[classes]}
    if request.properties is not None:
        labels[f"{request.properties}.{label}"] = labels[label]
    guessed = np.where(generator.random(ITEMS) < 0.5, classes, generator.integers(CLASSES, size=ITEMS))
    ids = np.array([f"{request.split} {i}" for i in range(ITEMS)])
    return Embedded(ids, vectors.astype(np.float32), labels, {label: named[guessed]})
