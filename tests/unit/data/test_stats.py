import json
import wave

import numpy as np
import pytest
from PIL import Image

from m5kit.data.headers import read_header
from m5kit.data.stats import describe

ROWS = [
    {"id": "a", "split": "train", "image": "1.png", "text": "a  cup", "table": {"k": 1}, "labels": {"fine": "x"}},
    {"id": "b", "split": "train", "image": "3.png", "text": "bowl", "labels": {"fine": "x"}},
    {"id": "c", "split": "test", "image": "2.png", "table": {"k": 1, "l": 2}, "labels": {"fine": "y"}},
    {"id": "d", "split": "test", "text": "a cup"},
    {"id": "e", "split": "test", "text": "a cup", "image": "gone.png", "audio": "s.wav", "scan": "pack#e"},
]


@pytest.fixture
def folder(tmp_path):
    for name, size, value in (("1", (4, 2), 0), ("2", (4, 2), 0), ("3", (8, 6), 9)):
        Image.new("L", size, value).save(tmp_path / f"{name}.png")
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def test_patterns_labels_and_lengths_are_counted(folder):
    found = describe(folder)
    assert found.items == 5
    assert found.patterns == {
        ("image", "table", "text"): 1,
        ("image", "text"): 1,
        ("image", "table"): 1,
        ("text",): 1,
        ("audio", "image", "text"): 1,
    }
    assert found.presence["test"]["text"] == 2
    assert found.labels == {"fine": {"x": 2, "y": 1}}
    assert found.properties == {"k": 2, "l": 1}
    table, text = found.spreads
    assert text.summary == {"count": 4, "least": 4, "median": 5, "mean": 5, "p95": pytest.approx(5.85), "most": 6}
    assert (table.modality, table.values.tolist()) == ("table", [1, 2])
    assert found.shared is None


def test_heads_of_files_tell_sizes_and_durations(folder):
    found = describe(folder, media=True, modalities=("image", "audio", "scan"))
    spreads = {(spread.modality, spread.unit): spread.values.tolist() for spread in found.spreads}
    assert spreads["image", "width"] == [4, 8, 4]
    assert spreads["image", "height"] == [2, 6, 2]
    assert spreads["audio", "seconds"] == [0.5]
    assert spreads["audio", "KiB"] == [pytest.approx(8044 / 1024)]
    assert found.unreadable == {"image": 1}


def test_contents_in_two_splits_are_found_whatever_their_names(folder):
    shared = describe(folder, contents=True).shared
    assert [(s.modality, s.splits, s.contents, s.examples) for s in shared] == [
        ("image", ("test", "train"), 1, (("c", "a"),)),
        ("text", ("test", "train"), 1, (("d", "a"),)),
    ]


def test_a_head_that_cannot_be_read_is_empty(folder):
    for modality, name in (("image", "bad.png"), ("video", "bad.mp4"), ("audio", "bad.flac")):
        (folder / name).write_bytes(b"no such thing")
        assert read_header(modality, name, folder) == {}
    assert read_header("image", "../up.png", folder) == {}
    np.save(folder / "f.npy", np.zeros((7, 3)))
    assert read_header("image", "f.npy", folder)["tokens"] == 7


def test_each_of_several_files_is_measured_compared_and_counted(folder):
    rows = [
        {"id": "a", "split": "train", "image": ["1.png", "3.png"], "text": "x"},
        {"id": "b", "split": "test", "image": "2.png"},
    ]
    (folder / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = describe(folder, media=True, contents=True)
    spreads = {(spread.modality, spread.unit): spread.values.tolist() for spread in found.spreads}
    assert spreads["image", "width"] == [4, 8, 4]
    assert spreads["image", "values"] == [2, 1]
    assert ("text", "values") not in spreads
    assert [shared.examples for shared in found.shared] == [(("b", "a"),)]


def test_an_empty_label_is_none(tmp_path):
    rows = [{"id": name, "text": "x", "labels": {"fine": label}} for name, label in (("a", "cup"), ("b", ""))]
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert describe(tmp_path).labels == {"fine": {"cup": 1}}
