"""How to use an exported graph, as a section of its model card."""

from collections.abc import Iterator, Mapping
from typing import Any


def use_of_graph(description: Mapping[str, Any]) -> list[str]:
    """The lines of the section, made of what ``onnx.json`` says."""
    return [*_intro(description), *_table(description), *_rules(description)]


def _intro(description: Mapping[str, Any]) -> Iterator[str]:
    yield "## Use"
    yield ""
    yield "`model.onnx` needs onnxruntime and no m5kit. `onnx.json` says what stands below as data, `preparation.json`"
    yield "how inputs are made of files, with the words that were learned."
    yield ""
    yield "```python"
    yield "import onnxruntime"
    yield ""
    yield 'session = onnxruntime.InferenceSession("model.onnx")'
    yield f'{description["outputs"][0]["name"]}s = session.run(["item"], arrays)[0]  # arrays: by name, as below'
    yield "```"
    yield ""


def _table(description: Mapping[str, Any]) -> Iterator[str]:
    yield "| | name | type | shape | padding |"
    yield "|---|---|---|---|--:|"
    for kind in ("inputs", "outputs"):
        for entry in description[kind]:
            shape = " x ".join(str(axis) for axis in entry["shape"])
            yield f"| {kind[:-1]} | `{entry['name']}` | {entry['type']} | {shape} | {entry.get('padding', '')} |"
    yield ""


def _rules(description: Mapping[str, Any]) -> Iterator[str]:
    columns, checked = ", ".join(description["modalities"]), description["checked"]
    yield f"- The columns of `present` are {columns}: True where an item has the modality."
    yield "- In the row of an item that lacks a modality its tensors hold padding, of length 0, which is not read."
    yield "- `NAME_lengths` counts the real steps of each item; padding stands behind them."
    yield "- Item vectors have unit length; an item with nothing gets zeros."
    yield (
        f"- Checked on {checked['items']} made-up items against the run: numbers differ by at most "
        f"{checked['largest_difference']:.1g}."
    )
    yield ""
