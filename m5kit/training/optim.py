"""The parameter groups of a model, the same for every optimizer, and the optimizer that a config names."""

import inspect
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from m5kit.errors import ConfigError
from m5kit.models.base import Model
from m5kit.models.parts import named_parts
from m5kit.nn.pretrained.tuning import learning_rate_scales
from m5kit.optimizers.base import ParameterGroup
from m5kit.registry import OPTIMIZERS


def build_optimizer(
    model: nn.Module,
    settings: Mapping[str, Any],
    lr: float,
    weight_decay: float,
    rates: Mapping[str, float] = MappingProxyType({}),
) -> Optimizer:
    """The optimizer of a run.

    Args:
        model: what is trained.
        settings: a ``type`` and its arguments.
        lr: of new parameters at full strength.
        weight_decay: of matrices.
        rates: factors of the learning rate by part, as in the config.

    Raises:
        ConfigError: every parameter is frozen.
    """
    groups = parameter_groups(model, lr, weight_decay, rates)
    if not groups:
        raise ConfigError(["freeze: nothing is left that learns; leave a part out, such as head"])
    exempt_from_compiling(Optimizer)
    optimizer: Optimizer = OPTIMIZERS.build(settings).build(groups)
    return without_compiler(optimizer)


def exempt_from_compiling(kind: type[Optimizer]) -> None:
    """Keep methods of torch's optimizers from importing its compiler only to ask it to leave them alone.

    The first call of such a method imports the compiler, for a second, and remembers what to call from then on in this
    attribute. m5kit compiles no optimizer; should torch rename the attribute, a start takes longer and that is all.
    """
    for method in vars(kind).values():
        exempt = getattr(method, "__wrapped__", None)
        if exempt is not None and not hasattr(exempt, "__dynamo_disable"):
            setattr(exempt, "__dynamo_disable", exempt)  # a class would mangle the name


def without_compiler(optimizer: Optimizer) -> Optimizer:
    """The same optimizer with a step that does not import torch's compiler; others than torch's stay as they are."""
    kind: Any = type(optimizer)
    if kind.__module__.startswith("torch.optim."):
        # torch wraps a step to switch gradients off and to tell the compiler about it
        step = torch.no_grad()(inspect.unwrap(kind.step))
        changed: Any = optimizer
        changed.__class__ = type(kind.__name__, (kind,), {"step": step})
        changed._patch_step_function()  # so that hooks of the step are still called
    return optimizer


def parameter_groups(
    model: nn.Module, lr: float, weight_decay: float, rates: Mapping[str, float] = MappingProxyType({})
) -> list[ParameterGroup]:
    """Every trained parameter in one group of its learning rate and weight decay.

    Only matrices decay: not biases, norms, tokens or positions of one row. Parameters of pretrained encoders learn at
    the rates that these say, times the factor of their part; new ones come first, so that the rate in the log is
    theirs.
    """
    scales, kinds = learning_rate_scales(model), defaultdict(list)
    for name, factor in _factors(model, rates).items():
        scales[name] = scales.get(name, 1.0) * factor
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kinds[scales.get(name, 1.0), parameter.squeeze().dim() >= 2].append(parameter)
    groups: list[ParameterGroup] = []
    for scale, matrix in sorted(kinds, key=lambda kind: (kind[0] != 1.0, -kind[0], not kind[1])):
        decay = weight_decay if matrix else 0.0
        groups.append({"params": kinds[scale, matrix], "lr": lr * scale, "weight_decay": decay})
    return groups


def _factors(model: nn.Module, rates: Mapping[str, float]) -> dict[str, float]:
    """The factor of each parameter, by name, whose part has one."""
    if not isinstance(model, Model):
        return {}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    factors: dict[str, float] = {}
    parts = named_parts(model)
    for part, factor in rates.items():
        for parameter in parts[part].parameters():
            # What two parts share follows the first of them; two factors would multiply.
            factors.setdefault(names[id(parameter)], factor)
    return factors
