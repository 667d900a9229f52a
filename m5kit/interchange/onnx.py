"""A run's embedder as an ONNX graph, with what is needed to feed it: ``m5kit export RUN --to onnx``."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import m5kit
from m5kit.config.reader import read_data
from m5kit.errors import BadItemsError
from m5kit.inference.passes import known_modalities
from m5kit.interchange.card import model_card
from m5kit.interchange.onnx_card import use_of_graph
from m5kit.interchange.onnx_graph import OPSET, TOLERANCE, Graph, GraphCheck, compare, host_copy, record
from m5kit.interchange.onnx_ports import NO_FACT, PADDING, PRESENT, Port, feed
from m5kit.interchange.onnx_samples import port_of
from m5kit.interchange.shared_folder import add_json, written_aside
from m5kit.public.reading import BadItem, ItemReader, default_threads
from m5kit.public.run import Run

MODEL, DESCRIPTION, PREPARATION = "model.onnx", "onnx.json", "preparation.json"
"""The files of an exported folder, beside README.md."""


def write_onnx(run: Run, out: Path, modalities: Sequence[str] | None = None) -> Path:
    """Write the graph of the embedder, checked against the run, and what it expects.

    Args:
        run: loaded.
        out: a new or empty folder.
        modalities: those that items may have; None for all of the run. Fewer make a smaller graph.

    Returns:
        The folder.

    Raises:
        CheckpointError: the folder holds something.
        ConfigError: the run reads no such modality, or a part of it cannot be recorded.
        ContractError: the graph gives other vectors than the run.
    """
    chosen = sorted(set(known_modalities(run.trained.model, None if modalities is None else tuple(modalities))))
    pipelines = run.trained.data.pipelines
    graph = Graph(host_copy(run.trained.model), [port_of(m, pipelines[m].transform) for m in chosen])
    with written_aside(out) as folder:
        record(graph, folder / MODEL)
        found = compare(graph, folder / MODEL)
        description = describe(run, graph, found)
        add_json(folder / DESCRIPTION, description)
        add_json(folder / PREPARATION, _preparation(run, chosen))
        (folder / "README.md").write_text(model_card(run, use_of_graph(description), chosen), encoding="utf-8")
    return out


def graph_inputs(
    run: Run, items: Sequence[Mapping[str, Any]], modalities: Sequence[str] | None = None
) -> dict[str, NDArray[Any]]:
    """The arrays by name that a graph of a run reads, made of items by the run's own decoders and transforms.

    Args:
        run: loaded.
        items: as :meth:`m5kit.Run.embed` takes them.
        modalities: those that the graph was exported with.

    Raises:
        BadItemsError: items that cannot be used.
    """
    pipelines = run.trained.data.pipelines
    chosen = sorted(run.modalities if modalities is None else set(modalities))
    reader = ItemReader(pipelines, run.trained.config.data.missing == "zero", default_threads())
    prepared, problems = [], {}
    for reading in reader.read(items, chosen, None):
        if isinstance(reading, BadItem):
            problems[reading.position] = reading.problem
        else:
            prepared.append(reading)
    if problems:
        raise BadItemsError(problems, len(items))
    return feed([port_of(m, pipelines[m].transform) for m in chosen], prepared)


def describe(run: Run, graph: Graph, found: GraphCheck) -> dict[str, Any]:
    """What the graph reads and gives, as data."""
    outputs: list[dict[str, Any]] = [{"name": "item", "type": "float32", "shape": ["batch", run.width]}]
    if run.classes:
        shape = ["batch", len(run.classes)]
        outputs.append({"name": "probabilities", "type": "float32", "shape": shape, "classes": list(run.classes)})
    columns = [port.modality for port in graph.ports]
    inputs = [{"name": PRESENT, "type": "bool", "shape": ["batch", len(columns)], "columns": columns}]
    for port in graph.ports:
        inputs += _inputs(port)
    return {
        "format": 1,
        "run": run.trained.config.name,
        "m5kit": m5kit.__version__,
        "libraries": {name: version(name) for name in ("torch", "onnx", "onnxruntime")},
        "opset": OPSET,
        "modalities": columns,
        "inputs": inputs,
        "outputs": outputs,
        "checked": {"items": found.items, "largest_difference": found.difference, "tolerance": TOLERANCE},
    }


def _inputs(port: Port) -> list[dict[str, Any]]:
    """The tensors of one modality; what stands behind an item's last step is said of those that are padded."""
    described = []
    for name, tensor, axes in zip(port.names, port.tensors(port.example), port.axes, strict=True):
        entry: dict[str, Any] = {"name": name, "type": str(tensor.dtype).removeprefix("torch."), "shape": axes}
        if f"{port.modality}_steps" in axes:
            entry["padding"] = PADDING if name == port.modality else NO_FACT
        described.append(entry)
    return described


def _preparation(run: Run, modalities: Sequence[str]) -> dict[str, Any]:
    """How the run makes inputs, by modality: decoder, transform, and what the transform learned from the corpus."""
    folder = run.trained.folder
    config, learned = read_data(folder.config), folder.read(folder.transforms)
    return {m: {**config[f"input_{m}"], "learned": learned.get(m, {})} for m in modalities}
