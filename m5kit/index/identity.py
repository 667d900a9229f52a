"""Tells whether two sets of vectors come from the same run."""

import hashlib
from pathlib import Path

from m5kit.runs.checkpoint import to_use
from m5kit.runs.checksums import CHECKSUMS
from m5kit.runs.folder import RunFolder

LAYOUT = b"2"
"""Of the vectors that a model of the same weights gives. Raised when they are put together or weighed in another way:
an index of former ones must not be searched by new ones."""


def fingerprint(run: Path) -> str:
    """A digest of the config and the weights of a run, and of how vectors are made of them.

    Vectors can be compared only if it is the same.

    Raises:
        CheckpointError: there is no run, or it has no checkpoint.
    """
    folder = RunFolder.open(run)
    checkpoint = to_use(folder)
    sums = checkpoint / CHECKSUMS
    digest = hashlib.sha256(LAYOUT + folder.config.read_bytes())
    # the checksums stand for the weights, which take seconds to read
    digest.update((sums if sums.exists() else checkpoint / "model.safetensors").read_bytes())
    return digest.hexdigest()
