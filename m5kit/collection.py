"""Keeps Python from looking for garbage among things that are made to stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Make what stays, such as modules and models, without a search for garbage inside a ``with`` block.

    Torch alone is hundreds of thousands of objects. Looking through them again and again while more of them come takes
    a fifth of the time of ``import torch``, and once more afterwards would take half as much. So what is there at the
    end counts as old: a full collection still finds what nobody needs any more, the frequent ones leave it alone.
    Where collection is off, or somebody froze objects for good, that stays as it is.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        gc.enable()
