import numpy as np
import pytest

from m5kit.index.index import Index

COLOURS = ("red", "blue", None)


@pytest.fixture(scope="session")
def vectors():
    rows = np.random.default_rng(0).standard_normal((200, 16)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def properties():
    return {
        "price": [float(number) for number in range(200)],
        "colour": [COLOURS[number % 3] for number in range(200)],
        "room name": ["it's" if number == 5 else "hall" for number in range(200)],
    }


@pytest.fixture
def index(tmp_path, vectors, properties):
    pytest.importorskip("lancedb")
    return Index.of_vectors(tmp_path / "items.index", [f"i{number:03}" for number in range(200)], vectors, properties)


@pytest.fixture(scope="session")
def exact():
    """The ids that an exact search of vectors finds among those that are allowed."""

    def found(vectors, query, allowed, top):
        scores = np.where(allowed, vectors @ query, -2)
        return [f"i{number:03}" for number in np.argsort(-scores, kind="stable")[:top]]

    return found


@pytest.fixture(scope="session")
def ids():
    """The ids of hits."""
    return lambda hits: [hit.row.id for hit in hits]
