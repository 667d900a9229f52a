"""What a process holds of the model that it trains together with others: a copy, or shards of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

Groups = list[dict[str, Any]]
"""Parameters with their settings, as torch's optimizers take them."""
BuildOptimizer = Callable[[Groups], Optimizer]
Unit = tuple[nn.Module, str]
"""A part of a model, and the name of the method that computes with its parameters."""


class Replica:
    """A copy of the whole model; the base of :class:`m5kit.parallel.sharding.Shards`.

    Args:
        model: what is trained.

    Attributes:
        copies: the parameters of which every process holds all.
    """

    def __init__(self, model: nn.Module) -> None:
        self.copies = list(model.parameters())

    def trained(self, parameter: nn.Parameter) -> nn.Parameter:
        """What the optimizer updates in place of a parameter of the whole model."""
        return parameter

    def pieces(self) -> list[nn.Parameter]:
        """What the optimizer updates of parameters of which others hold the rest."""
        return []

    def optimizer(self, build: BuildOptimizer, groups: Groups, elementwise: bool) -> Optimizer:
        """The optimizer of a run.

        Args:
            build: makes it from groups of parameters.
            groups: of the parameters of the whole model; taken over and changed.
            elementwise: it updates each number by its own gradient and state alone.
        """
        return build(groups)

    def pass_by(self, module: nn.Module) -> None:
        """Take part in what other processes send while they call a part that this one has nothing for."""

    def linked(self, loss: Tensor) -> Tensor:
        """The loss, from which backward also reaches what others wait for."""
        return loss

    @contextmanager
    def whole(self, learns: bool = False) -> Iterator[None]:
        """A block in which every process holds the whole model, whatever it does with it.

        Args:
            learns: its backward passes give gradients of the step.
        """
        yield

    def saved(self, model: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """Model and optimizer as a checkpoint holds them; all processes ask for them, and the first one writes."""
        return model, optimizer

    def saved_hooks(self, hooks: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hooks as a checkpoint holds them; likewise."""
        return hooks

    def restoring(self, model: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """Model and optimizer as they take the states of a checkpoint."""
        return model, optimizer

    def used(self) -> list[bool]:
        """Which pieces got a gradient on this process in this step."""
        return []

    def give_gradients(self, used: Sequence[bool]) -> None:
        """Hand the pieces their gradients.

        Args:
            used: by piece, whether it got one on any process; the others keep none.
        """


def copied_parameters(units: Sequence[Unit]) -> set[nn.Parameter]:
    """Those of the parts that stay copies where the rest is sharded: scalars, frozen ones, and what parts share."""
    seen: set[nn.Parameter] = set()
    copied: set[nn.Parameter] = set()
    for module, _ in units:
        own = set(module.parameters())
        copied |= own & seen
        seen |= own
    return copied | {parameter for parameter in seen if parameter.dim() == 0 or not parameter.requires_grad}
