"""Records the embedder of a run as an ONNX graph, and compares the two."""

import copy
import re
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from m5kit.data.collate import collate
from m5kit.data.dataset import Prepared
from m5kit.errors import ContractError, UsageError
from m5kit.interchange.onnx_ports import PRESENT, Port, feed, read
from m5kit.interchange.onnx_samples import made_up
from m5kit.models.base import Model
from m5kit.models.dense import DenseEmbedder

OPSET = 20
TOLERANCE = 1e-4
"""How far a number of a vector of unit length may be from what the run computes."""
RECORDED = 3
"""Items with which a graph is recorded; not 1, which would be taken for a fixed size."""
CHECKED = (1, 2, 7)
"""Numbers of items with which it is checked."""


class Graph(nn.Module):
    """The embedder over plain tensors.

    Args:
        model: on the host, in eval mode.
        ports: of the modalities that items may have.
    """

    def __init__(self, model: Model, ports: Sequence[Port]) -> None:
        super().__init__()
        self.ports = tuple(ports)
        self.embedder = DenseEmbedder(model, [port.modality for port in ports])

    @property
    def input_names(self) -> list[str]:
        """In the order of the arguments of :meth:`forward`."""
        names = [PRESENT]
        for port in self.ports:
            names += port.names
        return names

    @property
    def output_names(self) -> list[str]:
        """Item vectors, and probabilities of classes where the run predicts any."""
        return ["item"] if self.embedder.model.predicts is None else ["item", "probabilities"]

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Item vectors ``b w``, and probabilities ``b c`` if there are classes."""
        found = self.embedder(*read(self.ports, tensors))
        return (found.item,) if found.scores is None else (found.item, found.scores.softmax(1))


def host_copy(model: Model) -> Model:
    """A copy to record: on the host, in single precision, without gradients."""
    copied = copy.deepcopy(model).cpu().float().eval()
    return copied.requires_grad_(False)


def record(graph: Graph, file: Path, seed: int = 0) -> None:
    """Write the graph; the number of items and of steps stays free.

    Raises:
        ConfigError: a part of the run cannot be recorded.
        OSError: the file cannot be written.
    """
    items = made_up(graph.ports, RECORDED, np.random.default_rng(seed))
    # The last one has nothing, whatever is made up; a recorded graph depends on no value, but shapes must not be 1.
    fed = feed(graph.ports, items)
    tensors = tuple(torch.from_numpy(fed[name]) for name in graph.input_names)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph,
                tensors,
                file,
                input_names=graph.input_names,
                output_names=graph.output_names,
                dynamic_shapes=(_free_axes(graph),),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except OSError:  # of the disk and not of a part
        raise
    except Exception as error:  # the recorder raises errors of many kinds, for whatever a part does
        raise UsageError([_not_recorded(error)]) from error


@dataclass(frozen=True, slots=True)
class GraphCheck:
    """How a written graph differs from its run.

    Attributes:
        items: how many were compared.
        difference: the largest of any number.
    """

    items: int
    difference: float


def compare(graph: Graph, file: Path, seed: int = 1) -> GraphCheck:
    """Run the written graph beside the model's own path, on items that lack this and that.

    Raises:
        ContractError: they differ by more than TOLERANCE.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    rng, worst, count = np.random.default_rng(seed), 0.0, 0
    for size in CHECKED:
        items = made_up(graph.ports, size, rng)
        found = session.run(graph.output_names, feed(graph.ports, items))
        for ours, theirs in zip(_expected(graph, items), found, strict=True):
            worst = max(worst, float(np.abs(ours.numpy() - theirs).max()))
        count += size
    if not worst <= TOLERANCE:
        raise ContractError(
            f"the recorded graph gives other vectors than the run: they differ by {worst:.2g}, at most {TOLERANCE} was "
            "expected; a part of it computes something that depends on the data in a way that cannot be recorded"
        )
    return GraphCheck(count, worst)


def _expected(graph: Graph, items: Sequence[Prepared]) -> list[Tensor]:
    model = graph.embedder.model
    found = model.embed(collate(items, model.modalities))
    return [found.item] if found.scores is None else [found.item, found.scores.softmax(1)]


def _free_axes(graph: Graph) -> tuple[dict[int, object], ...]:
    """For each input, the axes whose sizes are not fixed."""
    free = torch.export.Dim.DYNAMIC
    axes: list[dict[int, object]] = [{0: free}]  # of the mask
    for port in graph.ports:
        axes += [dict.fromkeys(_named(axis), free) for axis in port.axes]
    return tuple(axes)


def _named(axes: Sequence[str | int]) -> list[int]:
    """The positions of axes that have a name in place of a size."""
    return [number for number, axis in enumerate(axes) if isinstance(axis, str)]


def _not_recorded(error: Exception) -> str:
    """Which line of which part the recorder stumbled over, and what it said."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    places = [frame for frame in traceback.extract_tb(cause.__traceback__) if "m5kit" in frame.filename]
    # the recorder colours its messages
    said = (re.sub(r"\x1b\[[0-9;]*m", "", str(cause)).strip().splitlines() or [type(cause).__name__])[0]
    where = f" at {places[-1].filename}:{places[-1].lineno}" if places else ""
    return (
        f"this run cannot be recorded as a graph: {said}{where}; a part whose work depends on the data cannot be, so "
        "choose other modalities with --modalities"
    )
