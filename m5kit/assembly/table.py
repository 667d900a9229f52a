"""The table of a model: its parts, their sizes and what comes out of them, without data and without weights."""

from collections.abc import Iterable, Iterator
from typing import Any

from m5kit.api import Encoder, Transform
from m5kit.assembly.model import build_backbone, build_pipelines
from m5kit.assembly.tasks import build_tasks, observe_blank
from m5kit.config import RunConfig
from m5kit.nn.unfilled import without_values
from m5kit.registry import BALANCERS


def describe_model(config: RunConfig) -> list[tuple[str, str, int, str]]:
    """Part, class, parameters of its own and output of everything a config builds, on the meta device, without data.

    A vocabulary that would be learned from the corpus counts with its largest size.
    """
    transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
    # no weights are allocated or drawn, so the largest model is described in seconds
    with without_values():
        backbone = build_backbone(config, transforms)
        tasks = build_tasks(config, backbone, transforms)
        balancer = BALANCERS.build(config.balancer, config.plugins, tasks=tuple(tasks))
    dim, lengths = config.model.dim, {m: _most_tokens(backbone.encoders[m], transforms[m]) for m in transforms}
    vectors = backbone.vectors
    parts: list[tuple[str, Any, str]] = []
    parts += [(f"encoder_{m}", backbone.encoders[m], f"{lengths[m]} tokens of {dim}") for m in transforms]
    parts += [(f"readout_{m}", part, f"a vector of {part.width}") for m, part in vectors.readouts.items()]
    parts += [(f"descriptor_{m}", part, f"a vector of {part.width}") for m, part in vectors.descriptors.items()]
    parts.append(("projections", backbone.projections, f"contrastive features of {backbone.features}"))
    parts.append(("fusion", backbone.fusion, f"{sum(lengths.values())} tokens, an embedding of {dim}"))
    parts.append(("harmonizer", backbone.harmonizer, f"{len(transforms)} x {len(transforms)} weights"))
    for name, task in tasks.items():
        parts.append((f"task_{name}", task, "a loss"))
    if tasks:
        parts.append(("balancer", balancer, f"{len(tasks)} weights"))
    return list(_described(parts))


def _most_tokens(encoder: Encoder, transform: Transform) -> int:
    """Tokens of an item of full length, the summary token included."""
    return 1 + observe_blank(encoder, transform).values.shape[1]


def _described(parts: Iterable[tuple[str, Any, str]]) -> Iterator[tuple[str, str, int, str]]:
    """The rows of a model's table; parameters that several parts share count with the first of them."""
    counted: set[int] = set()
    for key, part, output in parts:
        own = {id(p): p.numel() for p in part.parameters() if id(p) not in counted}
        counted |= own.keys()
        yield key, type(part).__name__, sum(own.values()), output
