"""Lets several encoders hold one stack in common."""

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from m5kit.api import Encoder
from m5kit.errors import ConfigError

KEY = "model.share"


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
            setattr(encoders[other], encoders[other].shareable, part)


def _part(name: str, encoder: Encoder) -> nn.Module:
    part = getattr(encoder, encoder.shareable, None) if encoder.shareable else None
    if not isinstance(part, nn.Module):
        raise ConfigError([f"{KEY}: encoder_{name} ({type(encoder).__name__}) has no stack to share; take it out"])
    return part


def _differences(one: nn.Module, other: nn.Module) -> Iterator[str]:
    """What is not the same in how two modules are built; their weights are not compared."""
    ours, theirs = dict(one.named_modules()), dict(other.named_modules())
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
    shapes: dict[str, object] = {name: tuple(p.shape) for name, p in module.named_parameters(recurse=False)}
    plain = {k: v for k, v in vars(module).items() if isinstance(v, int | float | str) and not k.startswith("_")}
    return {**shapes, **{k: v for k, v in plain.items() if k not in ("training", "name_or_path")}}


def _kind(module: nn.Module | None) -> str:
    return "nothing" if module is None else type(module).__name__
