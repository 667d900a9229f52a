"""Checks of everything that is a torch module: gradients, saving, pickling, eval mode, bf16."""

import io
import pickle
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from m5kit.testing.report import Skip, expect

Outputs = Mapping[str, Tensor]
"""Floating outputs by name, padding and absent rows left out."""

TOLERANCE = 1e-4
"""How far two ways to the same result may differ, absolutely and relatively, in float32."""


class HasModule(Protocol):
    """A case that can run its part."""

    @property
    def module(self) -> nn.Module:
        """The instance."""

    def run(self, module: nn.Module) -> Outputs:
        """Outputs of ``module`` for the case's inputs."""

    def fresh(self) -> nn.Module:
        """Another instance, built alike."""


def eval_mode_is_deterministic(case: HasModule) -> None:
    """In eval mode the same inputs give the same outputs, whatever the random state."""
    module = case.module.eval()
    first = case.run(module)
    torch.manual_seed(1)
    same(first, case.run(module), "a second call", exactly=True)


def state_dict_round_trip(case: HasModule) -> None:
    """state_dict holds all that decides the outputs, as tensors that load safely into another instance."""
    _perturb(case.module)  # else a module that saves nothing would pass, as both instances start alike
    stored = io.BytesIO()
    torch.save(case.module.state_dict(), stored)
    stored.seek(0)
    other = case.fresh()
    other.load_state_dict(torch.load(stored, weights_only=True))
    same(case.run(case.module.eval()), case.run(other.eval()), "the instance that loaded it", exactly=True)


def pickles(case: HasModule) -> None:
    """A copy that went through pickle, as to a worker process, gives the same outputs."""
    copy = pickle.loads(pickle.dumps(case.module))
    same(case.run(case.module.eval()), case.run(copy.eval()), "the copy", exactly=True)


def runs_in_bf16(case: HasModule) -> None:
    """Under bf16 autocast outputs and gradients stay finite and outputs stay near those of float32."""
    module = case.module.eval()
    full = case.run(module)
    with torch.autocast("cpu", torch.bfloat16):
        half = case.run(module)
    finite(half)
    for name, value in half.items():
        if not value.numel():
            continue
        off = (value.float() - full[name].float()).abs().max().item()
        # bf16 has 8 bits of precision, so a tenth of the largest value leaves room for a dozen layers
        room = 0.1 * max(1.0, full[name].abs().max().item())
        expect(off <= room, f"{name} is {off:.3g} away from its value in float32")
    if any(value.requires_grad for value in half.values()):
        backward(half)
    expect_finite_gradients(module)


def every_parameter_learns(case: HasModule) -> None:
    """Every parameter that can be trained gets a gradient that is not zero."""
    trainable = {name: p for name, p in case.module.named_parameters() if p.requires_grad}
    if not trainable:
        raise Skip("it has no parameter to train")
    _perturb(case.module)  # a layer may start at zero, and then no gradient passes through it
    backward(case.run(case.module.eval()))
    still = []
    for name, parameter in trainable.items():
        if parameter.grad is None or not parameter.grad.abs().sum() > 0:  # NaN counts as none
            still.append(name)
    expect(not still, f"no gradient reaches {', '.join(still)}; use it, drop it, or set requires_grad=False")


MODULE_CHECKS = (eval_mode_is_deterministic, state_dict_round_trip, pickles, runs_in_bf16, every_parameter_learns)
"""The checks that hold for any module."""


def same(one: Outputs, other: Outputs, what: str, exactly: bool = False) -> None:
    """Fail unless both hold the same tensors; ``what`` says who made the second ones."""
    tolerance = 0.0 if exactly else TOLERANCE
    expect(one.keys() == other.keys(), f"{what} gives {sorted(other)} instead of {sorted(one)}")
    for name, value in one.items():
        moved = f"{name} differs for {what}"
        expect(value.shape == other[name].shape, f"{moved}: {tuple(value.shape)} and {tuple(other[name].shape)}")
        try:
            assert_close(other[name], value, atol=tolerance, rtol=tolerance, check_dtype=False, equal_nan=True)
        except AssertionError as error:
            most = (other[name].double() - value.double()).abs().max().item()
            raise AssertionError(f"{moved}, by up to {most:.3g}") from error


def finite(outputs: Outputs) -> None:
    """Fail if an output holds NaN or infinity."""
    broken = [name for name, value in outputs.items() if not value.isfinite().all()]
    expect(not broken, f"{', '.join(broken)} holds NaN or infinity")


def expect_finite_gradients(module: nn.Module) -> None:
    """Fail if the gradient of a parameter holds NaN or infinity."""
    broken = []
    for name, parameter in module.named_parameters():
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            broken.append(name)
    expect(not broken, f"the gradient of {', '.join(broken[:3])} is not finite")


def backward(outputs: Outputs) -> None:
    """Backpropagate a random projection of every output, so that no sum over it is constant (as a softmax's is).

    A scalar is backpropagated as it is.
    """
    parts: list[Tensor] = []
    directions: list[Tensor] = []
    for value in outputs.values():
        if value.requires_grad:
            parts.append(value.float())
            directions.append(torch.randn(value.shape) if value.dim() else torch.ones(()))
    expect(bool(parts), "no output depends on a parameter")
    torch.autograd.backward(parts, directions)


@torch.no_grad()
def _perturb(module: nn.Module) -> None:
    """Move every parameter, so that an instance built alike differs until it has loaded them."""
    for parameter in module.parameters():
        if parameter.is_floating_point():
            parameter.add_(0.05 * torch.randn(parameter.shape, dtype=parameter.dtype))
