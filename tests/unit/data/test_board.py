import pytest
import torch

from m5kit.data.board import shared_board
from m5kit.errors import DataError


def test_without_shared_memory_workers_are_refused_and_their_absence_is_not(monkeypatch):
    def full(self):
        raise RuntimeError("unable to resize file </torch_1_2_0> to the right size: No space left on device (28)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    assert shared_board(0).shape == (1, 3)
    with pytest.raises(DataError, match=r"there is none: unable to resize .*; make room in /dev/shm"):
        shared_board(2)
