"""The contract of an optimizer: its settings, and a torch optimizer made of them and a model's parameter groups."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer

ParameterGroup = dict[str, Any]
"""One of torch's parameter groups: ``params``, a list, and their ``lr`` and ``weight_decay``."""


class OptimizerBuilder(ABC):
    """The settings of an optimizer. The constructor is keyword-only and takes the arguments that a config gives.

    Learning rate and weight decay are not among the settings: they come with the groups, because they differ between
    matrices and vectors and between new and pretrained layers, whichever optimizer is used.

    Attributes:
        elementwise: each number of a parameter is updated by its own gradient and state alone, so that a process may
            update a piece of the parameter by itself (``parallel.shard``). Otherwise it gets whole parameters.
    """

    elementwise: ClassVar[bool] = False

    @abstractmethod
    def build(self, groups: Sequence[ParameterGroup]) -> Optimizer:
        """Make the optimizer.

        Args:
            groups: every trained parameter is in exactly one of them; none is empty.

        Returns:
            A torch optimizer. Its ``param_groups`` hold the same parameters with the same ``lr``, and it reads ``lr``
            from there at each step, because the schedule writes it there.
        """
