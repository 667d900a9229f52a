"""Reads a cloud of points from a file of x y z, one point a line."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.api import DecodeError, Decoder


class XyzDecoder(Decoder):
    """A text file of ``x y z`` lines (more columns are ignored) → ``n 3`` float32.

    Args:
        max_points: larger clouds are refused.
        max_bytes: larger files are refused.
    """

    def __init__(self, *, max_points: int = 200_000, max_bytes: int = 2**25) -> None:
        self.max_points, self.max_bytes = max_points, max_bytes

    def __call__(self, source: Any, root: Path) -> NDArray[np.float32]:
        """Decode ``n 3``.

        Raises:
            DecodeError: the file is missing, over a cap, empty, or holds anything else.
        """
        if not isinstance(source, str):
            raise DecodeError(f"expected the path of a cloud of points, got {type(source).__name__}")
        try:
            points = self._read(root / source)
        except (OSError, ValueError) as error:
            raise DecodeError(f"cannot read {source}: {error}") from error
        return points

    def _read(self, path: Path) -> NDArray[np.float32]:
        if path.stat().st_size > self.max_bytes:
            raise ValueError(f"it is larger than max_bytes={self.max_bytes:,}")
        rows = [line.split()[:3] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not 0 < len(rows) <= self.max_points:
            raise ValueError(f"it holds {len(rows)} points, expected 1 to max_points={self.max_points:,}")
        points = np.array(rows, dtype=np.float32)
        if points.shape[1:] != (3,) or not np.isfinite(points).all():
            raise ValueError("expected three numbers a line")
        return points

    @classmethod
    def example(cls, folder: Path) -> tuple["XyzDecoder", str]:
        """An instance and a file, for the conformance kit."""
        np.savetxt(folder / "shape.xyz", np.random.default_rng(0).normal(size=(40, 3)))
        return cls(), "shape.xyz"
