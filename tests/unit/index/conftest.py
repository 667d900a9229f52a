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
