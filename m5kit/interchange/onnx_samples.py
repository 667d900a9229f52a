"""Made-up inputs of a run, to record a graph with and to check it by: valid in kind and size, random in content."""

from collections.abc import Sequence

import numpy as np
import torch

from m5kit.data.dataset import Prepared
from m5kit.data.transforms.base import Transform
from m5kit.errors import M5KitError
from m5kit.interchange.onnx_ports import Port
from m5kit.structures import Inputs


def port_of(modality: str, transform: Transform) -> Port:
    """The port of a modality, by what its transform makes of the example that every transform brings along."""
    try:
        example = transform(type(transform).example()[1])
    except (M5KitError, NotImplementedError, TypeError, ValueError):
        # An example belongs to a transform of its own size, so another size may refuse it; zeros are always right.
        example = transform.blank()
    return Port(modality, example)


def made_up(ports: Sequence[Port], count: int, rng: np.random.Generator) -> list[Prepared]:
    """Items of all lengths that lack this and that; the first has everything and the last nothing."""
    items = []
    for number in range(count):
        inputs = {}
        for port in ports:
            if number == 0 or (number < count - 1 and rng.random() < 0.6):
                inputs[port.modality] = _varied(port, rng)
        items.append(Prepared(str(number), inputs))
    return items


def _varied(port: Port, rng: np.random.Generator) -> Inputs:
    """Inputs of the kind of the example: cut to a random length, in other order or of other numbers."""
    values, lengths, extras = port.example.values, port.example.lengths, port.example.extras
    if port.has_steps:
        kept = int(rng.integers(1, len(values) + 1))
        values, lengths = values[:kept], torch.tensor(kept)
        extras = {name: each[:kept] for name, each in extras.items()}
    if values.dtype == torch.uint8:
        values = torch.from_numpy(rng.integers(0, 256, values.shape, dtype=np.uint8))
    elif values.is_floating_point():
        values = values + torch.from_numpy(rng.standard_normal(values.shape)).to(values.dtype)
    else:
        # Ids must be known to the encoder, so they change places and nothing else.
        values = values[torch.from_numpy(rng.permutation(len(values)))]
    return Inputs(values, lengths, extras)
