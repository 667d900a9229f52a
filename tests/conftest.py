"""What every test stands on."""

import io
import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from m5kit.permissions import STATE

# Autograd counts the devices at the first backward pass, and starts a thread for each that is no CPU; after that no
# forked process can go backward. Shape inference (``FakeTensorMode``) registers a GPU even where there is none, so the
# first pass is made here, before any test can.
torch.ones((), requires_grad=True).backward()


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Links of imports and local plugins are remembered: those of tests not in the home of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv(STATE, str(folder))
        yield folder


@pytest.fixture(scope="session")
def on_ranks() -> Callable[..., list[Any]]:
    """Run a function on several processes of one group: ``on_ranks(size, function, *arguments)``, results by rank.

    The processes are forked, so the function may be defined inside a test, and nothing is imported again. A hang fails
    the test: the group gives up after ``limit`` seconds, and what is left is killed.
    """
    return _on_ranks


def _on_ranks(size: int, function: Callable[..., Any], *arguments: Any, limit: float = 60.0) -> list[Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    pipes, processes = [], []
    for rank in range(size):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_one_rank, args=(theirs, rank, size, port, limit, function, arguments), daemon=True
        )
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        answers = [_answer(pipe, limit) for pipe in pipes]
    finally:
        for process in processes:
            process.join(5)
            process.kill()
    failed = [f"rank {rank}: {text}" for rank, (ok, text) in enumerate(answers) if not ok]
    assert not failed, "\n".join(failed)
    return [torch.load(io.BytesIO(content), weights_only=False) for _, content in answers]


def _answer(pipe: Any, limit: float) -> tuple[bool, Any]:
    try:
        return pipe.recv() if pipe.poll(2 * limit) else (False, "nothing was heard of it")
    except EOFError:
        return False, "it died"


def _one_rank(
    pipe: Any, rank: int, size: int, port: int, limit: float, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    from m5kit.parallel.start import start_group

    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        group = start_group(limit)
        result, stream = function(group, *arguments), io.BytesIO()
        torch.save(result, stream)
        group.wait()
        pipe.send((True, stream.getvalue()))
    except BaseException:
        pipe.send((False, traceback.format_exc()))
    pipe.close()
    os._exit(0)  # not the exit handlers of the process that was forked
