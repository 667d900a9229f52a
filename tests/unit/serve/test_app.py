import base64
import json
from itertools import chain, combinations

import numpy as np
import pytest

from m5kit.index.codes import read_vectors
from m5kit.serve.app import PATHS


def query_of(row, shop, names):
    """Some modalities of an item of the manifest: files as bytes, everything else as it is."""
    item = {}
    for name in names:
        is_file = isinstance(row[name], str) and row[name].startswith("media/")
        item[name] = (shop / row[name]).read_bytes() if is_file else row[name]
    return item


def as_form(item, **options):
    """A form: bytes as files, texts as fields, a table as JSON."""
    parts = {"options": (None, json.dumps(options))}
    for name, value in item.items():
        if isinstance(value, bytes):
            parts[name] = ("../../any.name", value)
        else:
            parts[name] = (None, value if isinstance(value, str) else json.dumps(value))
    return parts


def as_json(item, **options):
    sent = {}
    for name, value in item.items():
        sent[name] = {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
    return {"item": sent, **options}


@pytest.fixture(scope="session")
def whole(rows, run):
    """An item that has every modality."""
    return next(row for row in rows.values() if all(row.get(name) for name in run.modalities))


@pytest.fixture(scope="session")
def vectors(index):
    table = index.store.scan("", None, index.about.filters)
    return table["id"].to_pylist(), read_vectors(table, index.about)


def test_every_subset_of_modalities_finds_what_an_exact_search_of_its_vector_finds(client, run, whole, shop, vectors):
    names, table = vectors
    sizes = range(1, len(run.modalities) + 1)
    subsets = list(chain.from_iterable(combinations(run.modalities, size) for size in sizes))
    items = [query_of(whole, shop, subset) for subset in subsets]
    for subset, item, vector in zip(subsets, items, run.embed(items), strict=True):
        hits = client.post("/search", files=as_form(item, top=10)).raise_for_status().json()["hits"]
        scores = table @ (vector / np.linalg.norm(vector))
        assert [hit["score"] for hit in hits] == pytest.approx(sorted(scores.tolist(), reverse=True)[:10], abs=2e-5)
        for hit in hits:
            assert hit["score"] == pytest.approx(float(scores[names.index(hit["id"])]), abs=2e-5)
            assert sum(hit["shares"].values()) == pytest.approx(1)
            assert set(hit["shares"]) == set(subset)


def test_a_form_and_json_ask_the_same(client, whole, shop):
    item = query_of(whole, shop, ["text", "image", "table"])
    options = {"top": 5, "where": "size_mm < 280", "weights": {"text": 0.3}}
    form = client.post("/search", files=as_form(item, **options)).json()
    assert form == client.post("/search", json=as_json(item, **options)).json()
    assert all(hit["properties"]["size_mm"] < 280 for hit in form["hits"])


def test_weight_0_is_the_same_as_leaving_a_modality_out(client, whole, shop):
    both, one = query_of(whole, shop, ["text", "image"]), query_of(whole, shop, ["text"])
    weighted = client.post("/search", json=as_json(both, weights={"image": 0})).json()
    assert weighted == client.post("/search", json=as_json(one)).json()


def test_vectors_are_those_of_the_run_and_a_bad_item_costs_no_other(client, run, whole, shop):
    item = query_of(whole, shop, ["text", "audio"])
    answer = client.post("/embed", json={"items": [as_json(item)["item"], {"text": " "}]}).json()
    np.testing.assert_allclose(answer["vectors"][0], run.embed([item])[0], atol=1e-6)
    assert answer["vectors"][1] is None
    assert "the text is empty" in answer["problems"]["1"]


def test_vectors_can_be_had_as_bytes(client, run):
    answer = client.post("/embed", json={"items": [{"text": "red mug"}], "encoding": "base64"}).json()
    vector = np.frombuffer(base64.b64decode(answer["vectors"][0]), "<f4")
    np.testing.assert_allclose(vector, run.embed([{"text": "red mug"}])[0], atol=1e-6)


def test_more_like_an_item_and_filters_alone(client, rows):
    first = next(iter(rows))
    hits = client.post("/search", json={"like": first, "top": 3}).json()["hits"]
    assert len(hits) == 3
    assert first not in {hit["id"] for hit in hits}
    listed = client.post("/search", json={"where": "split = 'train'", "top": 30}).json()["hits"]
    assert {hit["split"] for hit in listed} == {"train"}
    assert {hit["score"] for hit in listed} == {None}


def test_an_item_may_have_several_values_of_a_modality(client, rows, shop):
    pictures = [(shop / row["image"]).read_bytes() for row in rows.values() if row.get("image")][:2]
    sent = [{"base64": base64.b64encode(picture).decode()} for picture in pictures]
    items = [{"image": sent[0]}, {"image": sent[1]}, {"image": sent}]
    one, other, both = np.array(client.post("/embed", json={"items": items}).json()["vectors"])
    mean = (one + other) / np.linalg.norm(one + other)
    np.testing.assert_allclose(both, mean, atol=1e-4)


def test_a_run_that_predicts_nothing_says_what_to_do(client):
    answer = client.post("/predict", json={"items": [{"text": "a mug"}]})
    assert answer.status_code == 422
    assert "fine-tune it" in answer.json()["error"]


def test_what_clients_may_ask_is_described(client):
    described = client.get("/openapi.json").json()["paths"]
    for path in ("/search", "/embed", "/predict"):
        assert set(described[path]["post"]["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    about = client.get("/about").json()
    assert about["items"] == 40
    assert about["modalities"]["text"] == "words"
    assert about["accepts"]["image"] == ["image"]
    assert {"name": "split", "kind": "string", "facts": {}} in about["columns"]
    assert "stored" not in json.dumps(about)


def test_requests_are_counted_and_invented_paths_are_not(client):
    client.get("/health")
    client.get("/invented/by/a/client")
    text = client.get("/metrics").text
    assert 'm5kit_requests_total{path="/health",status="200"}' in text
    assert 'm5kit_requests_total{path="other",status="404"}' in text
    assert "invented" not in text
    assert "m5kit_batch_items_count" in text


def test_every_path_of_the_interface_is_counted_by_name(client):
    offered = set(client.get("/openapi.json").json()["paths"])
    assert offered - set(PATHS) == set()
    client.get("/item", params={"item": "nobody"})
    assert 'm5kit_requests_total{path="/item",status="404"}' in client.get("/metrics").text


def test_the_page_needs_nothing_from_elsewhere(client):
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    for name in ("main.js", "cards.js", "page.css", "icon.svg"):
        found = client.get(f"/{name}")
        assert found.status_code == 200
        assert "//" not in found.text.replace("http://www.w3.org/2000/svg", "").replace(" // ", "").replace(
            "\n// ", ""
        ).lstrip("/")
    assert client.get("/docs").status_code == 404


def test_a_token_of_any_letters_becomes_a_cookie(client):
    answer = client.get("/", params={"token": "s3cret-\u20ac"}, follow_redirects=False)
    assert answer.status_code == 303
    assert "m5kit_token=" in answer.headers["set-cookie"]
