"""An average of the weights over the run, which evaluates better than the last ones."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.hooks.base import WEIGHTS, Hook, Training
from m5kit.parallel.pieces import held, like, piece_of
from m5kit.ranges import Share
from m5kit.registry import HOOKS


@HOOKS.register_module("ema")
class EmaHook(Hook):
    """Exponential moving average of every parameter that is trained; evaluation and embedding use it.

    After n steps the average keeps ``min(decay, (1 + n) / (10 + n))`` of itself, so that it follows quickly at first.
    Training is not touched: the trained weights are those of a run without the hook, and resuming goes on with them.

    Args:
        decay: share of the average that a step leaves.

    Source: Polyak and Juditsky (1992); Tarvainen and Valpola, Mean teachers (NeurIPS 2017).
    """

    takes_pieces = True

    def __init__(self, *, decay: Share = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ConfigError([f"hook 'ema': decay must be at least 0 and below 1, got {decay}"])
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._model: nn.Module | None = None

    def before_train(self, training: Training) -> None:
        """Begin at the weights as they are, unless there is an average already."""
        saved, self._average = self._average, {}
        for name, value in _trained(training.model).items():
            begin = piece_of(saved[name], value) if name in saved else held(value)
            # A copy in any case, on the device and in the type of the weight: the optimizer updates that in place.
            self._average[name] = begin.detach().to(held(value), copy=True)
        self._model = training.model

    @torch.no_grad()
    def after_step(self, training: Training) -> None:
        """Move the average towards the weights."""
        kept = min(self.decay, (1 + training.step) / (10 + training.step))
        trained = _trained(training.model)
        # One fused call: a loop would launch a kernel for each of hundreds of parameters in every step.
        torch._foreach_lerp_(list(self._average.values()), [held(trained[name]) for name in self._average], 1 - kept)

    def state_dict(self) -> dict[str, Any]:
        """The averages, and, as they are, the tensors that are not averaged."""
        if self._model is None:
            return {}
        # Buffers and frozen weights too, so that the result is a whole model for whoever loads it.
        averages = {id(value): like(self._average[name], value) for name, value in _trained(self._model).items()}
        state: dict[str, Any] = {}
        # a parameter that several parts share has several names here, and one average
        for name, value in self._model.state_dict(keep_vars=True).items():
            state[WEIGHTS + name] = averages.get(id(value), value.detach())
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Keep the averages for :meth:`before_train`, which knows what is trained and where."""
        self._average = {name.removeprefix(WEIGHTS): value for name, value in state.items()}


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
