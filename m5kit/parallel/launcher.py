"""What a launcher says of the processes that it started, and what it remembers over a restart of them."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]


def started_processes() -> int:
    """How many processes there are; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_rank() -> int:
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def restarts() -> int:
    """How often torchrun has started these processes again after one of them failed (``--max-restarts``)."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def recalled(name: str, make: Callable[[], str]) -> str:
    """What was remembered under ``name`` before the last restart; without one, make it and remember it.

    Only torchrun's agent outlives its processes; of other launchers nothing is remembered.
    """
    store = agent_store()
    if store is None:
        return make()
    key = f"m5kit/{name}"
    if restarts() and store.check([key]):
        return str(store.get(key).decode())
    value = make()
    store.set(key, value)
    return value


def agent_store() -> "Store | None":
    """The store of torchrun's agent, which lives as long as the agent; None of other launchers."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    from torch.distributed import TCPStore  # type: ignore[attr-defined]  # made in C++, and left out of torch's types

    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store: Store = TCPStore(address, port, is_master=False, timeout=timedelta(seconds=60))
    return store
