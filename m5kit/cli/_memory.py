"""Prints the memory that training is predicted to take."""

from typing import TYPE_CHECKING

from m5kit.cli.output import write, write_table

if TYPE_CHECKING:
    from m5kit.config import RunConfig
    from m5kit.training.memory import MemoryForecast

ROWS = {
    "parameters": "parameters",
    "gathered": "gathered parameters",
    "gradients": "gradients",
    "sums": "buffers for their sum",
    "optimizer": "optimizer state",
    "activations": "activations",
    "total": "total",
}
"""What is printed for each attribute of a :class:`m5kit.training.memory.RankMemory`."""


def print_memory(config: "RunConfig", ranks: int, read: bool) -> None:
    """Print what each of several processes holds, with a copy of the model each and with a shard of it each.

    Args:
        config: checked.
        ranks: how many processes there are.
        read: whether some items of the dataset are read for it.
    """
    from m5kit.training.memory import predict_memory

    found = predict_memory(config, ranks, read)
    write(f"\nmemory of {_batches(config, found)} (estimate):")
    rows = []
    for name, label in ROWS.items():
        whole, shard = getattr(found.replicas, name), getattr(found.shards, name)
        if whole or shard:
            rows.append((label, *map(_size, (whole,) if ranks == 1 else (whole, shard))))
    write_table(["", "in one" if ranks == 1 else "replicas", *(["shards"] if ranks > 1 else [])], rows)
    source = f"of {config.data.root}" if found.read else "that have everything in full length; --data DIR reads yours"
    write(f"activations are counted in forward passes of {found.measured} items {source}")
    write(f"precision {config.schedule.precision}; what libraries and devices take for themselves comes on top")
    if ranks > 1:
        write("shards are what a process holds with parallel.shard=true")


def _batches(config: "RunConfig", found: "MemoryForecast") -> str:
    """What of which batches the processes have."""
    tokens, items = config.schedule.tokens, config.schedule.batch_size
    if tokens is None and found.ranks > 1:
        return f"each of {found.ranks} processes, {found.items} of {items} items each"
    if tokens is None:
        return f"one process with micro-batches of {items} items"
    if found.ranks > 1:
        return f"each of {found.ranks} processes, {found.items} items of {tokens} tokens"
    return f"one process with micro-batches of {tokens} tokens (most with {found.items} items)"


def _size(number: int) -> str:
    """Bytes as people read them.

    Example:
        >>> _size(3 * 2**20)
        '3.0 MiB'
    """
    return f"{number / 2**30:.2f} GiB" if number >= 2**30 else f"{number / 2**20:.1f} MiB"
