import json

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded
from m5kit.exporters.ndjson import NdjsonExporter

VECTORS = np.array([[0.6, 0.8], [0.1, -0.2], [0, 0]], np.float32)
ITEMS = Embedded(["a", "鞋", "nothing"], VECTORS, {"coarse": ["shoe", "", "x"]})


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_item_is_an_action_and_a_document(tmp_path):
    path = tmp_path / "items.ndjson"
    written = NdjsonExporter(index="shop").write(ITEMS, path)
    assert written == [path, tmp_path / "items.mapping.json"]
    assert path.read_text(encoding="utf-8").endswith("\n")  # the bulk interface wants it
    actions, documents = lines(path)[::2], lines(path)[1::2]
    assert actions == [{"index": {"_index": "shop", "_id": "a"}}, {"index": {"_index": "shop", "_id": "鞋"}}]
    assert [set(document) for document in documents] == [{"vector", "label_coarse"}, {"vector"}]
    assert np.array_equal(np.array([document["vector"] for document in documents], np.float32), VECTORS[:2])
    assert '"vector": [0.600000024, 0.800000012]' in path.read_text(encoding="utf-8")


def test_the_mapping_has_the_type_of_every_field(tmp_path):
    NdjsonExporter().write(ITEMS, tmp_path / "items.ndjson")
    found = json.loads((tmp_path / "items.mapping.json").read_text())["mappings"]["properties"]
    assert found == {
        "vector": {"type": "dense_vector", "dims": 2, "element_type": "float", "similarity": "cosine", "index": True},
        "label_coarse": {"type": "keyword"},
    }


def test_bytes_are_whole_numbers(tmp_path):
    items = Embedded(["a"], np.array([[0.6, 0.8]], np.float32), precision="int8")
    NdjsonExporter().write(items, tmp_path / "items.ndjson")
    assert lines(tmp_path / "items.ndjson")[1] == {"vector": [95, 127]}
    found = json.loads((tmp_path / "items.mapping.json").read_text())["mappings"]["properties"]
    assert found["vector"]["element_type"] == "byte"


def test_what_the_server_would_refuse_is_refused(tmp_path):
    with pytest.raises(DataError, match="at most 4096 numbers, got 5000; choose a --width"):
        NdjsonExporter().write(Embedded(["a"], np.ones((1, 5000), np.float32)), tmp_path / "items.ndjson")
    with pytest.raises(DataError, match="ids of 1 to 512 bytes, got ''"):
        NdjsonExporter().write(Embedded([""], np.ones((1, 2), np.float32)), tmp_path / "items.ndjson")
    for name in ("Shop", "a b", "_x", ""):
        with pytest.raises(ConfigError, match="index: expected lower case"):
            NdjsonExporter(index=name)
