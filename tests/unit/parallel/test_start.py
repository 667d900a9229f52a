"""A process joins the others, or says in a sentence why it cannot."""

import socket

import pytest
import torch

from m5kit.errors import ConfigError, M5KitError
from m5kit.parallel.group import Group
from m5kit.parallel.start import start_group


def test_without_a_launcher_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    group = start_group(10)
    assert type(group) is Group
    assert (group.rank, group.size, group.first) == (0, 1, True)
    assert group.values({"a": 1}) == [{"a": 1}]
    assert group.add(torch.ones(2)).tolist() == [1, 1]


def test_half_of_what_a_launcher_sets_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"WORLD_SIZE is 2, but RANK, MASTER_ADDR, MASTER_PORT are not set"):
        start_group(10)


@pytest.fixture
def launched(monkeypatch):
    """What a launcher would set, for one of two processes of which the other never comes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def launch(**changes):
        told = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, **changes}
        for name, value in told.items():
            monkeypatch.setenv(name, str(value))

    return launch


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_whose_peers_never_come_says_whom_it_waited_for(launched, rank):
    launched(RANK=rank)
    with pytest.raises(M5KitError, match=rf"process {rank} of 2 did not meet all others at 127.0.0.1:\d+ within 1 s"):
        start_group(1)


def test_a_rank_beyond_the_last_is_refused(launched):
    launched(RANK=2)
    with pytest.raises(ConfigError, match=r"RANK is 2, and WORLD_SIZE is 2"):
        start_group(1)


def test_more_processes_than_gpus_are_refused(launched, monkeypatch):
    launched(LOCAL_RANK=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match=r"LOCAL_RANK is 1, and this machine shows 1 GPU\(s\)"):
        start_group(1)
