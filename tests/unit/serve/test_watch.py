"""A service goes on through what happens to its index: taken away, damaged, brought back, added to, built anew."""

import logging
import shutil
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient

from m5kit.index.index import Index
from m5kit.index.rows import Row
from m5kit.serve import watch
from m5kit.serve.app import make_app
from m5kit.serve.settings import Settings

LISTED = {"where": "split = 'train'", "top": 3}


@pytest.fixture
def place(index, tmp_path):
    shutil.copytree(index.store.place, tmp_path / "own.index")
    return tmp_path / "own.index"


@pytest.fixture
def asked(place, run, monkeypatch):
    """A client of a service that looks at its index before each request."""
    monkeypatch.setattr(watch, "EVERY", 0.0)
    with TestClient(make_app(Index.open(place, run), Settings(seconds=60)), raise_server_exceptions=False) as opened:
        yield opened


def statuses(client):
    """What each path that needs the index answers."""
    posted = [client.post("/search", json=body) for body in (LISTED, {"item": {"text": "red mug"}}, {"like": "nobody"})]
    got = [client.get(path, params={"item": "nobody", "modality": "image"}) for path in ("/item", "/thumbnail")]
    return [answer.status_code for answer in (*posted, *got, client.get("/about"), client.get("/health"))]


WELL = [200, 200, 422, 404, 404, 200, 200]


@pytest.mark.parametrize("part", ["", "items.lance", "items.lance/data", "about.lance"])
def test_an_index_that_is_gone_or_damaged_is_503_until_it_is_back(asked, place, tmp_path, part):
    assert statuses(asked) == WELL
    shutil.move(place / part, tmp_path / "aside")
    assert statuses(asked) == [503] * len(WELL)
    answer = asked.post("/search", json=LISTED)
    assert "the index own.index cannot be used now" in answer.json()["error"]
    assert str(tmp_path) not in answer.text + asked.get("/health").text
    assert answer.headers["retry-after"]
    assert asked.get("/health").json()["status"] == "unavailable"
    assert asked.post("/embed", json={"items": [{"text": "red mug"}]}).status_code == 200
    shutil.move(tmp_path / "aside", place / part)
    assert statuses(asked) == WELL


def test_between_two_looks_it_is_503_too_and_the_next_request_looks(place, run, tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "EVERY", 1000.0)
    with TestClient(make_app(Index.open(place, run), Settings(seconds=60))) as client:
        shutil.move(place, tmp_path / "aside")
        assert client.get("/health").status_code == 200  # nobody has noticed
        assert client.post("/search", json=LISTED).status_code == 503
        assert client.get("/health").status_code == 503


def test_whoever_runs_the_service_is_told_once_each_way(asked, place, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "m5kit"):
        shutil.move(place, tmp_path / "aside")
        statuses(asked)
        shutil.move(tmp_path / "aside", place)
        statuses(asked)
    assert [record.getMessage() for record in caplog.records] == [
        f"not served: the index {place} is gone since it was opened; bring it back, or open another",
        f"the index {place} is served again",
    ]


def with_price(place, index, name):
    """One more item with a property that the index did not have."""
    changed = Index.open(place)
    changed.add([Row(name, split="train", values={"price": 7.0})], np.ones((1, index.about.width), np.float32))
    changed.finish()


def test_new_columns_of_an_index_that_was_added_to_are_known(asked, place, index):
    cheap = {"where": "price < 10", "top": 3}
    assert "price" in asked.post("/search", json=cheap).json()["error"]
    with_price(place, index, "new")
    assert [hit["id"] for hit in asked.post("/search", json=cheap).json()["hits"]] == ["new"]
    assert "price" in [column["name"] for column in asked.get("/about").json()["columns"]]


def test_an_index_built_anew_in_its_place_is_served(asked, place, run_folder, index):
    shutil.rmtree(place)
    Index.build(place, run_folder, splits=["train"])
    with_price(place, index, "new")
    assert statuses(asked) == WELL
    assert asked.get("/about").json()["items"] == len(Index.open(place))
    assert asked.post("/search", json={"where": "price < 10"}).json()["hits"][0]["id"] == "new"


def test_an_index_of_another_run_is_not_served(asked, place, index):
    shutil.rmtree(place)
    other = Index.create(place, replace(index.about, fingerprint="another"))
    other.finish()
    assert statuses(asked) == [503] * len(WELL)
