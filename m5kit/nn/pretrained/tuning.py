"""Chooses what is trained of a pretrained network: all, the last blocks, low-rank additions, or nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from m5kit.arguments import ArgumentGroup
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.library import import_library
from m5kit.ranges import Positive

LORA_RANK = 8
"""Where ``lora`` names none."""


@dataclass(frozen=True)
class Tuning(ArgumentGroup):
    """How a pretrained network is trained.

    Args:
        trainable: ``none``, ``all``, ``last:N`` (the last N blocks and what follows them), ``lora`` or ``lora:RANK``
            (low-rank additions to the linear layers of the blocks, with peft).
        layer_decay: the learning rate shrinks by this factor a block, from the last to the first.
        rate_scale: learning rate of the last block over that of new layers.
        checkpointing: compute activations again in the backward pass, which saves memory.
    """

    trainable: str = "none"
    layer_decay: Positive = 1.0
    rate_scale: Positive = 1.0
    checkpointing: bool = False


class Pretrained(nn.Module):
    """A network of another library, of which a chosen part is trained.

    Frozen parts stay in eval mode; a network that is frozen as a whole builds no graph.

    Args:
        network: with its weights.
        tuning: which share of it learns, and how fast.

    Raises:
        ConfigError: ``trainable`` is none of these, or the network cannot do what is asked.
        MissingDependencyError: LoRA is asked for and peft is not installed.
    """

    def __init__(
        self,
        network: nn.Module,
        tuning: Tuning,
    ) -> None:
        super().__init__()
        # Blocks are looked for only where they matter: some networks have none and can still be trained whole.
        whole = tuning.trainable in ("none", "all") and tuning.layer_decay == 1.0
        self.path = "" if whole else find_blocks(network)
        self.frozen = tuning.trainable == "none"
        self.tuning = tuning
        self._choose(network, tuning.trainable)
        self.network = network
        if tuning.checkpointing:
            _enable_checkpointing(network)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the network returns."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.network(*inputs, **named)

    def train(self, mode: bool = True) -> "Pretrained":
        """Set the mode; frozen parts and batch norms stay in eval mode, because one item must not affect another."""
        super().train(mode and not self.frozen)
        # dropout in frozen blocks would only add noise
        if mode and self.path and self.tuning.trainable != "all":
            _rest(self.network, self.network.get_submodule(self.path))
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def scales(self) -> dict[str, float]:
        """Factor of the learning rate by parameter name, of those that learn and have another than 1."""
        depth = _depths(self.network, self.path)
        scales = {}
        for name, parameter in self.network.named_parameters():
            scale = self.tuning.rate_scale * self.tuning.layer_decay ** depth[name]
            if parameter.requires_grad and scale != 1.0:
                scales[f"network.{name}"] = scale
        return scales

    def _choose(self, network: nn.Module, trainable: str) -> None:
        """Set which parameters are trained."""
        network.requires_grad_(trainable == "all")
        kind, _, number = trainable.partition(":")
        if trainable in ("none", "all"):
            return
        depths = _depths(network, self.path)
        count = max(depths.values()) - 1
        if kind == "lora" and re.fullmatch(r"|[1-9]\d*", number):
            _add_lora(network, self.path, int(number or LORA_RANK))
        elif kind == "last" and number.isdecimal() and 1 <= int(number) <= count:
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(depths[name] <= int(number))
        else:
            raise ConfigError(
                [
                    f"trainable: expected none, all, lora, lora:RANK or last:N with N from 1 to {count} (the network's "
                    f"blocks), got {trainable!r}"
                ]
            )


def _rest(module: nn.Module, stack: nn.Module) -> None:
    """Put the frozen modules of a partly trained network into eval mode.

    A module without parameters (dropout) follows the module that holds it. What is done around the stack of blocks, by
    such a module or by a function, may act on the frozen part, so it rests too.
    """
    around = stack in set(module.modules())
    if around:
        module.training = False
    for child in module.children():
        parameters = list(child.parameters())
        if any(parameter.requires_grad for parameter in parameters):
            _rest(child, stack)
        elif parameters or around:
            child.eval()


def find_blocks(network: nn.Module) -> str:
    """Dotted name of the stack of equal blocks with the most parameters.

    Raises:
        ConfigError: there is none.
    """
    sizes: dict[str, int] = {}
    for name, module in network.named_modules():
        if _is_stack(module):
            sizes[name] = sum(parameter.numel() for parameter in module.parameters())
    if not sizes:
        raise ConfigError([f"{type(network).__name__} has no stack of equal blocks; set trainable: none or all"])
    return max(sizes, key=sizes.__getitem__)


def _is_stack(module: nn.Module) -> bool:
    """Whether the module is a list of blocks of one class; a Sequential of one block seldom is, so it needs two."""
    least = {nn.ModuleList: 1, nn.Sequential: 2}.get(type(module))
    kinds = list(map(type, module.children()))
    return least is not None and len(kinds) >= least and len(set(kinds)) == 1


def _depths(network: nn.Module, path: str) -> dict[str, int]:
    """The number of blocks from each parameter to the output: 0 after the last block, 1 in it, and so on."""
    names = [name for name, _ in network.named_parameters()]
    if not path:
        return dict.fromkeys(names, 0)
    block: dict[str, int] = {}
    for name in names:
        if name.startswith(f"{path}."):
            block[name] = int(name.removeprefix(f"{path}.").split(".")[0])
    count = max(block.values()) + 1
    depths = {}
    passed = False
    for name in names:  # in the order of registration, which in every library we know is that of the data
        passed = passed or name in block
        outside = 0 if passed else count + 1
        depths[name] = count - block[name] if name in block else outside
    return depths


def _add_lora(network: nn.Module, path: str, rank: int) -> None:
    """Add low-rank adapters to the linear layers of the blocks."""
    peft = import_library("peft", "trainable: lora")
    attention, linear = [], []
    for name, module in network.named_modules():
        if isinstance(module, nn.MultiheadAttention) and path in name:
            attention.append(name)
        # peft adapts torch's attention as a whole; its inner projection is not to be adapted twice.
        elif isinstance(module, nn.Linear) and name.startswith(path) and not name.startswith(tuple(attention)):
            linear.append(name)
    if not (attention or linear):
        raise ConfigError(
            [f"trainable: {type(network).__name__} has no linear layer for LoRA; set none, all or last:N"]
        )
    # The additions are scaled by alpha / rank, so that they count the same at every rank.
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=[*attention, *linear])
    peft.inject_adapter_in_model(config, network)


def _enable_checkpointing(network: Any) -> None:
    """Compute activations again in the backward pass, in the way that the library offers."""
    if getattr(network, "supports_gradient_checkpointing", False):
        older = network.gradient_checkpointing_enable  # the name in the first versions of transformers 5
        getattr(network, "activation_checkpointing_enable", older)({"use_reentrant": False})
    elif hasattr(network, "set_grad_checkpointing"):
        network.set_grad_checkpointing(True)
    else:
        raise ConfigError([f"checkpointing: {type(network).__name__} cannot do it; leave it out"])


def prefixed(prefix: str, scales: Mapping[str, float]) -> dict[str, float]:
    """The same factors for a module that lies under ``prefix``.

    Example:
        >>> prefixed("backbone", {"network.weight": 0.5})
        {'backbone.network.weight': 0.5}
    """
    return {f"{prefix}.{name}": scale for name, scale in scales.items()}


def learning_rate_scales(model: nn.Module) -> dict[str, float]:
    """Factor of the learning rate by parameter name, of those where an encoder in ``model`` asks for another than 1."""
    scales: dict[str, float] = {}
    for path, module in model.named_modules():
        own = getattr(module, "learning_rate_scales", None)
        if own is not None:
            scales |= prefixed(path, own()) if path else own()
    return scales
