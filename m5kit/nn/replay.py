"""Random numbers of torch that can be drawn a second time, for work that is done twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch


class Replay:
    """Gives each piece of work random numbers of its own, the same ones whenever it is done.

    The generators of torch are put back afterwards, so the work of a step moves them by one draw, however often it is
    done and however it is cut.

    Args:
        device: where the work draws, beside the host.

    Example:
        >>> replay = Replay(torch.device("cpu"))
        >>> with replay("chunk", 0):
        ...     first = torch.rand(3)
        >>> with replay("chunk", 0):
        ...     torch.equal(torch.rand(3), first)
        True
    """

    def __init__(self, device: torch.device) -> None:
        self.devices = [device] if device.type == "cuda" else []
        # Drawn from the global generator: the pieces then follow the seed of the run and differ from step to step.
        self.base = int(torch.randint(2**62, ()))

    @contextmanager
    def __call__(self, *piece: str | int) -> Iterator[None]:
        """Draw the numbers of a piece of work while the context lasts."""
        digest = blake2b(repr((self.base, *piece)).encode(), digest_size=7).digest()
        with torch.random.fork_rng(self.devices):
            torch.manual_seed(int.from_bytes(digest, "little"))
            yield
