"""What the processes that share a micro-batch tell each other; alone, a process has only itself."""

from typing import Protocol

from torch import Tensor, nn


class Peers(Protocol):
    """The processes among which the items of a micro-batch are shared out, as a task sees them.

    A loss is the part of a process's own items. The parts of all processes are added up, and so are their gradients:
    what is gathered here takes the gradient of every process's part back to the process that it came from. All
    processes must ask for the same things in the same order. So a task decides by :meth:`present` what it asks for,
    never by its own items.

    Attributes:
        size: how many processes there are.
        first: how many items of the micro-batch are held by the processes before this one.
        anchors: leaves of the graph of everything that is gathered, also where no parameter stands behind a value. A
            gradient taken in the middle of a step must be taken with regard to these too, or some processes would wait
            in the backward pass for others that do not come.
    """

    size: int
    first: int
    anchors: tuple[Tensor, ...]

    def present(self, own: Tensor) -> Tensor:
        """Presence ``B m`` (bool, host) of the items of all processes; ``own`` (``b m``) is that of this one's."""

    def positions(self, own: Tensor) -> Tensor:
        """Positions ``B`` (int64, host) of the items of all processes; ``own`` (``b``) are those of this one's."""

    def rows(self, values: Tensor) -> Tensor:
        """Rows ``B ...`` of all processes, in order; ``values`` (``b ...``) are those of this one's items."""

    def total(self, values: Tensor) -> Tensor:
        """Sum over the processes of tensors of one shape."""

    def host_rows(self, values: Tensor) -> Tensor:
        """Rows ``B ...`` of all processes; ``values`` (``b ...``, int64, host) are those of this one's items."""

    def take(self, values: Tensor, wanted: Tensor) -> Tensor:
        """Fetch rows from any process; each sends only what others ask for, and gets the gradients of what it sent.

        Args:
            values: ``b ...`` of this process's items; all processes must give rows of one shape.
            wanted: ``B`` (int64, host), the same on all processes: by item, the row among the B that its process wants
                for it, or -1.

        Returns:
            ``n ...``, those that this process's items want, in their order.
        """

    def pass_by(self, module: nn.Module) -> None:
        """Take part in the pass that others make of an encoder or a fusion that this process has nothing for."""


class Alone:
    """One process holds all items: everything is as it is given."""

    size, first = 1, 0
    anchors: tuple[Tensor, ...] = ()

    def present(self, own: Tensor) -> Tensor:
        """``own``."""
        return own

    def positions(self, own: Tensor) -> Tensor:
        """``own``."""
        return own

    def rows(self, values: Tensor) -> Tensor:
        """``values``."""
        return values

    def total(self, values: Tensor) -> Tensor:
        """``values``."""
        return values

    def host_rows(self, values: Tensor) -> Tensor:
        """``values``."""
        return values

    def take(self, values: Tensor, wanted: Tensor) -> Tensor:
        """The wanted ones of ``values``."""
        return values.index_select(0, wanted[wanted >= 0].to(values.device, non_blocking=True))

    def pass_by(self, module: nn.Module) -> None:
        """Nothing: there are no others."""


ALONE = Alone()
