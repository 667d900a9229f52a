import numpy as np
import pytest

from m5kit.evaluation.functional.ranking import Ranking


@pytest.fixture
def galleries():
    """Random rankings of whole galleries: true or false by rank, with some that hold nothing relevant."""
    generator = np.random.default_rng(4)
    hits = generator.random((60, 25)) < generator.choice([0.05, 0.3, 0.9], size=(60, 1))
    hits[:3] = False
    hits[3] = True
    return hits


@pytest.fixture
def ranking(galleries):
    """The same as a Ranking whose queries are in the gallery's label classes but not in the gallery."""
    relevant = galleries.sum(1)
    return Ranking(galleries, relevant, relevant + 1, np.full(len(galleries), galleries.shape[1]))
