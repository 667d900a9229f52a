"""What the service answers, apart from HTTP: searches, vectors, classes and files of one index."""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import QueryError
from m5kit.index.about import IndexInfo
from m5kit.index.index import Index
from m5kit.index.rows import Row
from m5kit.public.answers import Embeddings, Prediction
from m5kit.serve.batching import Batcher, Item
from m5kit.serve.metrics import Metrics
from m5kit.serve.requests import SearchBody
from m5kit.serve.settings import Settings
from m5kit.serve.watch import Watch

Vector = NDArray[np.float32]


class Service:
    """An index with its run, shared by all requests.

    Args:
        index: opened.
        settings: the limits.
        metrics: that are counted.
    """

    def __init__(self, index: Index, settings: Settings, metrics: Metrics) -> None:
        self.watch, self.settings = Watch(index), settings
        self.run = index.run
        # Requests hold no paths; should one slip through, it is looked for in a folder that is empty.
        self._nowhere = tempfile.TemporaryDirectory(prefix="m5kit-serve-")
        self._embedding = Batcher(self._embed_items, settings.batch, metrics.batch)
        self._predicting = Batcher(self._predict_items, settings.batch, metrics.batch)
        metrics.waiting.set_function(lambda: self._embedding.waiting + self._predicting.waiting)

    def close(self) -> None:
        """Answer what was taken in, then stop."""
        self._embedding.close()
        self._predicting.close()
        self._nowhere.cleanup()

    def about(self) -> dict[str, Any]:
        """What a client needs to know before it asks."""
        with self.watch.asking() as served:
            index, items = served.index, len(served.index)
        about = index.about
        columns = []
        for column in about.filters:
            known = asdict(column)
            del known["stored"]  # no business of a client's
            columns.append(known)
        return {
            "items": items,
            "run": Path(about.run).name,
            "space": about.space,
            "width": about.width,
            "modalities": dict(about.modalities),
            "accepts": served.accepts,
            "columns": columns,
            "classes": list(self.run.classes),
            "recall": _recall(about),
            "max_bytes": self.settings.max_bytes,
        }

    def search(self, body: SearchBody) -> dict[str, Any]:
        """The hits of a search, as JSON data.

        Raises:
            QueryError: it cannot be answered as it was asked.
        """
        if body.top > self.settings.max_top:
            raise QueryError(f"top: at most {self.settings.max_top}, got {body.top}")
        with self.watch.asking() as served:
            hits = served.index.search(
                body.item, like=body.like, weights=body.weights, where=body.where, top=body.top, embed=self._embed_now
            )
        return {"hits": [{**hit.as_json(), **served.media.shown(hit.row)} for hit in hits]}

    def embed(self, items: Sequence[Item]) -> "Future[list[Vector | str]]":
        """The vector of each item, or what is wrong with it."""
        return self._embedding.submit(items)

    def predict(self, items: Sequence[Item]) -> "Future[list[Prediction]]":
        """The classes of each item.

        Raises:
            QueryError: the run predicts none.
        """
        if not self.run.classes:
            raise QueryError("the run predicts no classes; fine-tune it, as with the config demo/finetune")
        return self._predicting.submit(items)

    def row(self, item: str) -> Row | None:
        """One item of the index, None if there is none."""
        with self.watch.asking() as served:
            return served.index.get([item]).get(item)

    def _embed_now(self, items: Sequence[Mapping[str, Any]]) -> Embeddings:
        """The vectors of the parts of a query, computed together with those of other requests."""
        answers = self._embedding.submit(items).result(self.settings.seconds)
        vectors = [answer for answer in answers if not isinstance(answer, str)]
        problems = {row: answer for row, answer in enumerate(answers) if isinstance(answer, str)}
        rows = np.array([row for row in range(len(items)) if row not in problems], np.int64)
        return Embeddings(np.array(vectors, np.float32), rows, problems)

    def _embed_items(self, items: Sequence[Item]) -> list[Vector | str]:
        about = self.watch.last.index.about
        found = self.run.embed(
            items, space=about.space, errors="skip", root=self._nowhere.name, width=about.query_width
        )
        answers: list[Vector | str] = [found.problems.get(row, "") for row in range(len(items))]
        for row, vector in zip(found.rows.tolist(), found.vectors, strict=True):
            answers[row] = vector
        return answers

    def _predict_items(self, items: Sequence[Item]) -> list[Prediction]:
        return self.run.predict(items, errors="skip", root=self._nowhere.name)


def _recall(about: IndexInfo) -> float:
    """The share of the true nearest that a search finds, as it was measured."""
    found = 1.0 if about.approximation is None else about.approximation.recall
    return found if about.compression is None else min(found, about.compression.recall)
