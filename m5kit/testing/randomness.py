"""The global random states, for checks that a part leaves them alone."""

import random
from typing import Any

import numpy as np
import torch


def random_states() -> tuple[Any, ...]:
    """Those of random, numpy and torch, to be compared."""
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().numpy().tobytes()
