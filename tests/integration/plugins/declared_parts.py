"""A local plugin whose parts declare what the core once guessed from names.

Nothing in it is called as a built-in part is: the metric searches and is no ``Retrieval``, the encoder is cached and
has no ``backbone``, the metric's argument is no ``split``, the transform learns and sets no flag.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from m5kit.api import (
    ENCODERS,
    HEADS,
    METRICS,
    TASKS,
    TRANSFORMS,
    Encoder,
    Gallery,
    GalleryHit,
    GalleryQuery,
    Head,
    Inputs,
    Metric,
    MetricValue,
    Observation,
    Request,
    Task,
    TaskOutput,
    Tokens,
    Transform,
)

CELLS = 4
DONE = "declared_done"


@TRANSFORMS.register_module("declared_pixels")
class Pixels(Transform):
    """A small picture, minus the mean brightness of the training items."""

    def __init__(self, *, side: int = 16) -> None:
        self.side, self.brightness = side, None

    def __call__(self, decoded, generator=None):
        rows, columns = (np.linspace(0, n - 1, self.side).astype(int) for n in decoded.shape[:2])
        small = decoded[np.ix_(rows, columns)].astype(np.float32) / 255 - self.brightness
        return Inputs.single(torch.from_numpy(small).flatten(0, 1).reshape(CELLS, -1))

    def blank(self):
        return Inputs.single(torch.zeros(CELLS, 3 * self.side**2 // CELLS))

    def provides(self):
        return {"pixels": 3 * self.side**2 // CELLS}

    def fit(self, corpus):
        self.brightness = float(np.mean([picture.mean() / 255 for picture in corpus]))

    def state(self):
        return {"brightness": self.brightness}

    def load_state(self, state):
        self.brightness = state["brightness"]


@ENCODERS.register_module("declared_random")
class RandomFeatures(Encoder):
    """Frozen random features of every cell, then one layer that learns."""

    def __init__(self, *, dim: int, pixels: int, bins: int = 24) -> None:
        super().__init__()
        self.dim = dim
        self.scatter = nn.Linear(pixels, bins).requires_grad_(False)
        self.reader = nn.Linear(bins, dim)

    @property
    def extracts(self):
        return True

    def extract(self, inputs):
        done = torch.ones(inputs.values.shape[:2], dtype=torch.int64)
        return Inputs(self.scatter(inputs.values).relu(), inputs.lengths, {DONE: done})

    def frozen_modules(self):
        return {"scatter": self.scatter}

    def observe(self, inputs):
        seen = inputs if DONE in inputs.extras else self.extract(inputs)
        return Observation(seen.values, seen.lengths)

    def encode(self, observation):
        tokens = self.reader(observation.values) * observation.mask[..., None]
        summary = tokens.sum(1, keepdim=True) / CELLS
        return Tokens(torch.cat([summary, tokens], dim=1), observation.lengths + 1)


@TASKS.register_module("declared_agree")
class Agree(Task):
    """The contrastive features of the modalities of an item agree."""

    view = "clean"

    def loss(self, view, hidden=None):
        features = normalize(view.features.float(), dim=-1)
        centre = features.mean(1, keepdim=True)
        return TaskOutput((features - centre).square().sum(-1).mean())


@HEADS.register_module("declared_scores")
class Scores(Head):
    """One layer over the embedding."""

    classifies = True

    def __init__(self, *, dim: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, classes)

    def forward(self, fused):
        return self.layer(fused.embedding)

    def embed(self, fused):
        return fused.embedding

    def loss(self, prediction, target):
        total = cross_entropy(prediction, target, ignore_index=-1, reduction="sum")
        return total / (target >= 0).sum().clamp(min=1)


@METRICS.register_module("declared_nearest")
class Nearest(Metric):
    """Share of items whose nearest other item has their label."""

    def __init__(self, *, items: str, label: str) -> None:
        self.label, self.request = label, Request(items)

    def requests(self):
        return (self.request,)

    def compute(self, embedded, seed):
        items = embedded[self.request].labelled(self.label)
        labels = items.label(self.label)
        nearest = self._scores(items).argmax(1)
        return {"nearest": MetricValue.mean((labels == labels[nearest]).astype(float), None, seed)}

    def sample_hits(self, embedded, seed):
        items = embedded[self.request].labelled(self.label)
        labels, scores = items.label(self.label), self._scores(items)
        best = int(scores[0].argmax())
        hit = GalleryHit(
            str(items.ids[best]), str(labels[best]), float(scores[0, best]), bool(labels[best] == labels[0])
        )
        query = GalleryQuery(str(items.ids[0]), str(labels[0]), [hit])
        split = self.request.split
        return Gallery(split, split, None, None, self.label, [query])

    def _scores(self, items):
        scores = items.vectors @ items.vectors.T
        np.fill_diagonal(scores, -np.inf)
        return scores
