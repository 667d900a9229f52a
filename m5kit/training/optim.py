"""The parameter groups of a model, the same for every optimizer, and the optimizer that a config names."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import nn
from torch.optim import Optimizer

from m5kit.errors import ConfigError
from m5kit.models.base import Model
from m5kit.models.parts import named_parts
from m5kit.nn.pretrained.tuning import learning_rate_scales
from m5kit.optimizers.base import ParameterGroup
from m5kit.parallel.replica import Replica
from m5kit.registry import OPTIMIZERS


def build_optimizer(
    model: nn.Module,
    settings: Mapping[str, Any],
    lr: float,
    weight_decay: float,
    rates: Mapping[str, float] = MappingProxyType({}),
    replica: Replica | None = None,
) -> Optimizer:
    """The optimizer of a run.

    Args:
        model: what is trained.
        settings: a ``type`` and its arguments.
        lr: of new parameters at full strength.
        weight_decay: of matrices.
        rates: factors of the learning rate by part, as in the config.
        replica: what this process holds of the model; None for all of it.

    Raises:
        ConfigError: every parameter is frozen.
    """
    groups = parameter_groups(model, lr, weight_decay, rates)
    if not groups:
        raise ConfigError(["freeze: nothing is left that learns; leave a part out, such as head"])
    builder = OPTIMIZERS.build(settings)
    replica = replica or Replica(model)
    return replica.optimizer(builder.build, groups, builder.elementwise)


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
            matrix = sum(size > 1 for size in parameter.shape) >= 2
            kinds[scales.get(name, 1.0), matrix].append(parameter)
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
