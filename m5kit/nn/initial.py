"""Initial weights that are a part's own: what else a model holds does not change them."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_weights(part: str) -> Iterator[None]:
    """Draw the weights of a part from the global seed and the part's name; other parts draw as if it were not there.

    Two models of one seed that share a part begin with the same weights in it, whatever else each of them has. Without
    that, a comparison with and without a modality is one of two draws of everything that is built after it.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> with own_weights("head"):
        ...     alone = torch.nn.Linear(2, 2)
        >>> with own_weights("encoder"):
        ...     other = torch.nn.Linear(5, 5)
        >>> with own_weights("head"):
        ...     again = torch.nn.Linear(2, 2)
        >>> torch.equal(alone.weight, again.weight)
        True
    """
    generator = torch.default_generator
    seed = zlib.crc32(f"{generator.initial_seed()}/{part}".encode())
    before = generator.get_state()
    # not torch.manual_seed, which would queue a seed for every GPU as well
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(before)
