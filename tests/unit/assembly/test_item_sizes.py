"""Tokens of items: counted where values are in the manifest, from bytes where reading them all would take too long."""

import json

import numpy as np
import pytest
import torch

from m5kit.assembly import item_sizes as counted
from m5kit.assembly.data import RunData
from m5kit.assembly.item_sizes import item_sizes
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config

WORDS = [1, 3, 2, 5, 8, 4, 7, 6, 3, 2, 5, 4]


@pytest.fixture
def texts(tmp_path):
    rows = []
    for number, words in enumerate(WORDS):
        rows.append({"id": f"t{number}", "split": "pretrain", "text": " ".join(["mug"] * words)})
    rows[3]["table"] = {"colour": "red"}
    rows.append({"id": "nothing", "split": "pretrain"})
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def sizes_of(folder, *overrides):
    config = check_config(load_config("demo/contrast", ["data.workers=0", *overrides], folder))
    data = RunData.fitted(config)
    torch.manual_seed(0)
    return item_sizes(data, build_model(config, data.transforms, data.classes)).tolist()


def test_tokens_of_all_modalities_and_their_summaries_count(texts):
    sizes = sizes_of(texts)
    alone = [words + 1 for words in WORDS]
    table = sizes[3] - alone[3]
    assert table >= 3  # a summary, a key and a value
    assert sizes == [*alone[:3], alone[3] + table, *alone[4:], 0]


def test_absent_modalities_that_are_read_as_blanks_count(texts):
    masked, filled = sizes_of(texts), sizes_of(texts, "data.missing=zero")
    assert filled[-1] > 0
    assert all(more > less for more, less in zip(filled, masked, strict=True))


def test_beyond_some_items_the_bytes_tell(texts, monkeypatch):
    exact = sizes_of(texts)
    monkeypatch.setattr(counted, "COUNTED", 5)
    assert sizes_of(texts) == exact  # words of one length: tokens are a line over bytes


def test_files_are_measured_by_their_bytes(texts, monkeypatch):
    exact = sizes_of(texts)
    monkeypatch.setattr(counted, "PROBED", 5)
    monkeypatch.setattr(counted, "file_bytes", lambda value, root: len(value) if isinstance(value, str) else None)
    assert sizes_of(texts) == exact


def test_a_spread_has_the_first_and_the_last():
    assert counted._spread(10, 4).tolist() == [0, 3, 6, 9]
    assert counted._spread(2, 4).tolist() == [0, 1]
    assert np.array_equal(counted._spread(1, 4), [0])
