"""How large the batches of a run are, where they hold so many tokens and not so many items."""

import io

import numpy as np
from numpy.typing import NDArray

from m5kit.assembly.item_sizes import item_sizes
from m5kit.runs.json import write_whole
from m5kit.training.setup import Setup


def stored_sizes(setup: Setup) -> NDArray[np.int64] | None:
    """Tokens of each training item, counted once a run and kept in its folder; None where batches hold so many items.

    A run that goes on must cut the same batches, also where a newer version would estimate the sizes in another way.
    """
    if setup.config.schedule.tokens is None:
        return None
    file = setup.folder.item_sizes
    if file.exists():
        found: NDArray[np.int64] = np.load(file)
        if len(found) == len(setup.data.training_items):  # else the items have changed, and the user accepted it
            return found
    sizes = item_sizes(setup.data, setup.model)
    content = io.BytesIO()
    np.save(content, sizes)
    write_whole(file, content.getvalue())
    return sizes


def items_a_batch(setup: Setup) -> float:
    """Items of a batch over all processes, on average where their number varies."""
    schedule, sizes = setup.config.schedule, stored_sizes(setup)
    if schedule.tokens is None or sizes is None:
        return schedule.batch_size
    return schedule.tokens / float(sizes.mean())
