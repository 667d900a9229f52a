"""Lets several encoders hold one stack in common."""

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from m5kit.api import Encoder
from m5kit.errors import ConfigError

KEY = "model.share"
_NOT_BUILT = ("training", "name_or_path")
"""Attributes of modules that say nothing about how they compute: torch's mode, and where transformers read weights."""


def share_stacks(encoders: Mapping[str, Encoder], groups: Sequence[Sequence[str]]) -> None:
    """Give the encoders of each group the first one's ``shareable`` part, weights included, in place of their own.

    A part keeps nothing of a batch, so each encoder still brings lengths and masks of its own.

    Args:
        encoders: by name; changed.
        groups: names of encoders whose parts are alike.

    Raises:
        ConfigError: an encoder has no such part, or a part is built otherwise than the first one's.

    Source: the code released with SCALE (Dong et al., M5Product, CVPR 2022) has three stacks for five modalities; the
        paper has five.
    """
    for first, *others in groups:
        part = _part(first, encoders[first])
        for other in others:
            if what := next(_differences(part, _part(other, encoders[other])), None):
                names = f"encoder_{first} and encoder_{other}"
                raise ConfigError([f"{KEY}: {names} cannot share a stack: {what}; make them alike"])
            # The module itself, not its weights: gradients of both encoders then meet in the same parameters.
            setattr(encoders[other], encoders[other].shareable, part)


def _part(name: str, encoder: Encoder) -> nn.Module:
    part = getattr(encoder, encoder.shareable, None) if encoder.shareable else None
    if not isinstance(part, nn.Module):
        raise ConfigError([f"{KEY}: encoder_{name} ({type(encoder).__name__}) has no stack to share; take it out"])
    return part


def _differences(one: nn.Module, other: nn.Module) -> Iterator[str]:
    """What is not the same in how two modules are built; their weights are not compared."""
    ours, theirs = dict(one.named_modules()), dict(other.named_modules())
    # Both sides' names in their own order: an error names the first difference as it stands in the module.
    for name in dict.fromkeys([*ours, *theirs]):
        mine, its = ours.get(name), theirs.get(name)
        if type(mine) is not type(its):
            yield f"{name or 'the stack'} is {_kind(mine)} here and {_kind(its)} there"
        elif mine is not None and its is not None:
            yield from _different_facts(name, _facts(mine), _facts(its))


def _different_facts(name: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> Iterator[str]:
    for key in dict.fromkeys([*ours, *theirs]):
        if ours.get(key) != theirs.get(key):
            yield f"{name}.{key} is {ours.get(key)} here and {theirs.get(key)} there".removeprefix(".")


def _facts(module: nn.Module) -> dict[str, object]:
    """Shapes of a module's own parameters, and its settings; not where its weights came from."""
    facts: dict[str, object] = {}
    for name, parameter in module.named_parameters(recurse=False):
        facts[name] = tuple(parameter.shape)
    facts.update(_settings(module))
    return facts


def _settings(module: nn.Module) -> Iterator[tuple[str, object]]:
    for name, value in vars(module).items():
        if isinstance(value, int | float | str) and not name.startswith("_") and name not in _NOT_BUILT:
            yield name, value


def _kind(module: nn.Module | None) -> str:
    return "nothing" if module is None else type(module).__name__
