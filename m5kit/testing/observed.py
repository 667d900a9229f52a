"""What an observation must be, piece by piece."""

import torch
from torch import Tensor

from m5kit.api import Observation
from m5kit.testing.report import expect


def expect_lengths(lengths: Tensor, count: int, most: int) -> None:
    """Fail unless lengths are int64 ``count`` on the host, from 0 to ``most``."""
    right = lengths.dtype == torch.int64 and lengths.device.type == "cpu" and lengths.shape == (count,)
    expect(right, f"lengths are {lengths.dtype} {tuple(lengths.shape)} on {lengths.device}; expected int64 ({count},)")
    expect(int(lengths.min()) >= 0 and int(lengths.max()) <= most, f"lengths {lengths.tolist()} are not in 0..{most}")


def expect_ids(seen: Observation) -> None:
    """Fail unless the ids of an observation are int64, in its vocabulary, and can be hidden."""
    expect(seen.values.dtype == torch.int64, f"ids are {seen.values.dtype}; expected int64")
    if seen.vocabulary is None or seen.mask_id is None:
        raise AssertionError("ids need vocabulary and mask_id in the Observation, or no task can hide them")
    expect(0 <= seen.mask_id < seen.vocabulary, f"mask_id {seen.mask_id} is not among {seen.vocabulary} ids")
    real = seen.values[seen.mask]
    expect(int(real.min()) >= 0 and int(real.max()) < seen.vocabulary, f"an id is not among {seen.vocabulary}")
