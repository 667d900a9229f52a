"""Exported graphs give the run's vectors in onnxruntime, with no m5kit between."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from m5kit.cli import main
from m5kit.errors import ConfigError, ContractError
from m5kit.interchange.formats import writer
from m5kit.interchange.onnx import graph_inputs, write_onnx
from m5kit.interchange.onnx_graph import Graph, compare, host_copy, record
from m5kit.interchange.onnx_samples import port_of

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

CLOSE = 1e-4
PAGE = Path(__file__).parents[3] / "docs/howto/export-models.md"


def session_of(folder):
    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def ports_of(run, modalities):
    return [port_of(m, run.trained.data.pipelines[m].transform) for m in modalities]


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return write_onnx(run, tmp_path_factory.mktemp("onnx") / "shop")


@pytest.mark.slow
def test_real_items_of_every_subset_get_the_vectors_of_the_run(run, folder, items):
    session = session_of(folder)
    for count in (1, 3, len(items)):
        [found] = session.run(["item"], graph_inputs(run, items[:count]))
        assert np.abs(found - run.embed(items[:count])).max() < CLOSE


@pytest.mark.slow
def test_the_folder_says_what_the_graph_reads(run, folder):
    described = json.loads((folder / "onnx.json").read_text())
    assert described["modalities"] == list(run.modalities)
    assert [each["name"] for each in described["inputs"]] == [each.name for each in session_of(folder).get_inputs()]
    assert described["outputs"] == [{"name": "item", "type": "float32", "shape": ["batch", run.width]}]
    assert described["checked"]["largest_difference"] < CLOSE
    preparation = json.loads((folder / "preparation.json").read_text())
    assert preparation["text"]["transform"]["type"] == "tokenize"
    assert "tokenizer" in preparation["text"]["learned"]
    card = (folder / "README.md").read_text()
    assert "| input | `text_lengths` | int64 | batch |" in card
    assert "m5kit.load" not in card


@pytest.mark.slow
def test_the_command_writes_a_graph_of_some_modalities(run_folder, run, items, tmp_path, capsys):
    out = tmp_path / "small"
    assert main(["export", str(run_folder), "--to", "onnx", "--modalities", "text,image", "--out", str(out)]) == 0
    assert "read README.md" in capsys.readouterr().out
    chosen = ("image", "text")
    usable = [item for item in items if set(item) & set(chosen)]
    assert usable
    [found] = session_of(out).run(["item"], graph_inputs(run, usable, chosen))
    assert np.abs(found - run.embed(usable, modalities=chosen)).max() < CLOSE
    assert "It reads image, text; any of them may be missing" in (out / "README.md").read_text()
    read_the_page(out, run, tmp_path, items)


def read_the_page(folder, run, tmp_path, items):
    """The how-to's code, as one session of a reader."""
    blocks = re.findall(r"<!-- skip -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    alone, with_m5kit = (block for block in blocks if "onnx" in block)
    picture = next(item["image"] for item in items if "image" in item)
    names = {"shared/shop-onnx": str(folder), "runs/shop": str(run.path), "a.jpg": str(picture)}
    (tmp_path / "page.py").write_text(renamed(alone, names) + "\nnp.save('vectors.npy', vectors)\n")
    subprocess.run([sys.executable, "page.py"], cwd=tmp_path, check=True)
    vectors = np.load(tmp_path / "vectors.npy")
    expected = run.embed([{"text": "a red mug"}, {"text": "a red mug", "image": picture}])
    assert np.abs(vectors[0] - expected[0]).max() < CLOSE
    assert float(vectors[1] @ expected[1]) > 0.999  # Pillow's resize is not torch's to the last level
    session: dict[str, object] = {}
    exec(compile(renamed(with_m5kit, names), str(PAGE), "exec"), session)
    [found] = session_of(folder).run(["item"], session["arrays"])
    assert np.abs(found - expected).max() < CLOSE


def renamed(code, names):
    for name, real in names.items():
        code = code.replace(name, real)
    return code


@pytest.mark.slow
def test_a_fine_tuned_run_gives_probabilities_too(classifier_folder, items, tmp_path):
    import m5kit

    run = m5kit.load(classifier_folder)
    folder = write_onnx(run, tmp_path / "kinds", ["text"])
    usable = [item for item in items if "text" in item][:5]
    fed = graph_inputs(run, usable, ["text"])
    vectors, probabilities = session_of(folder).run(["item", "probabilities"], fed)
    assert np.abs(vectors - run.embed(usable, modalities=["text"])).max() < CLOSE
    classes = json.loads((folder / "onnx.json").read_text())["outputs"][1]["classes"]
    expected = run.predict(usable, modalities=["text"])
    assert [classes[row.argmax()] for row in probabilities] == [answer.label for answer in expected]


@pytest.mark.slow
def test_a_graph_that_differs_from_its_run_is_refused(run, tmp_path):
    graph = Graph(host_copy(run.trained.model), ports_of(run, ["text"]))
    record(graph, tmp_path / "model.onnx")
    with torch.no_grad():
        # not the same number to all: the norm after the words takes a mean away
        words = graph.embedder.model.backbone.encoders["text"].words.weight
        words.mul_(torch.linspace(-3, 3, words.shape[1]))
    with pytest.raises(ContractError, match="gives other vectors than the run"):
        compare(graph, tmp_path / "model.onnx")


def test_a_part_that_looks_at_its_data_is_named(run, tmp_path, monkeypatch):
    graph = Graph(host_copy(run.trained.model), ports_of(run, ["text"]))
    encoder = graph.embedder.model.backbone.encoders["text"]
    whole = type(encoder).encode

    def looks(self, observation):
        assert int(observation.lengths.max()) > 0
        return whole(self, observation)

    monkeypatch.setattr(type(encoder), "encode", looks)
    with pytest.raises(ConfigError, match="cannot be recorded as a graph") as raised:
        record(graph, tmp_path / "model.onnx")
    assert "choose other modalities with --modalities" in str(raised.value)


def test_mistakes_are_found_before_anything_is_written(run, run_folder, tmp_path, capsys):
    with pytest.raises(ConfigError, match="the run has no smell"):
        write_onnx(run, tmp_path / "new", ["smell"])
    with pytest.raises(ConfigError, match="the format folder has all of the run's"):
        writer("folder", ["text"])
    assert main(["export", str(run_folder), "--modalities", "text", "--out", str(tmp_path / "new")]) == 2
    assert "only onnx has a choice" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
