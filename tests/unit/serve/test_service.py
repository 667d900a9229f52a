"""What a service answers, without HTTP."""

import numpy as np
import pytest

from m5kit.index.index import Index
from m5kit.serve.metrics import Metrics
from m5kit.serve.service import Service
from m5kit.serve.settings import Settings


@pytest.fixture(scope="module")
def small(run_folder, run, tmp_path_factory):
    place = tmp_path_factory.mktemp("index") / "small.index"
    Index.build(place, run_folder, width=32, precision="int8")
    return Index.open(place, run)


@pytest.fixture
def service(small):
    service = Service(small, Settings(seconds=60), Metrics(()))
    yield service
    service.close()


def test_an_index_of_small_vectors_makes_queries_small_too(service, small, run):
    query = {"text": "red mug"}
    [vector] = service.embed([query]).result(60)
    np.testing.assert_allclose(vector, run.embed([query], width=32)[0], atol=1e-6)
    hits = small.search(query, top=5)
    kept = np.stack([small.vector(hit.row.id) for hit in hits])
    np.testing.assert_allclose([hit.score for hit in hits], kept @ vector, atol=1e-6)
    assert [hit.row.id for hit in small.search(vector, top=5)] == [hit.row.id for hit in hits]


def test_what_small_vectors_lose_is_told(service, small):
    about = service.about()
    assert about["width"] == 32
    assert about["recall"] == small.about.compression.recall < 1
