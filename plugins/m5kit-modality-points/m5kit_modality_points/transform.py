"""A cloud of points becomes patches: a few centres, and the neighbours of each."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.api import Inputs, Transform


class PointPatches(Transform):
    """``n 3`` → ``l 3+3k`` float32: ``patches`` far-apart centres, each with its own place and its k ``neighbours``.

    Centre and size of a cloud are taken out; in training it is turned around the upright axis at random.

    Args:
        patches: the most patches; a cloud with fewer points gives fewer.
        neighbours: points of a patch; the nearest one stands in where there are fewer.
    """

    provided = frozenset({"numbers"})

    def __init__(self, *, patches: int = 16, neighbours: int = 8) -> None:
        self.patches, self.neighbours = patches, neighbours

    def __call__(self, decoded: NDArray[np.float32], generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one cloud."""
        points = decoded - decoded.mean(0)
        points = points / max(float(np.linalg.norm(points, axis=1).max()), 1e-6)
        if generator is not None:
            points = points @ _turn(generator.uniform(0, 2 * np.pi))
        centres = points[self._spread(points)]
        near = np.linalg.norm(points[None] - centres[:, None], axis=2).argsort(axis=1)[:, : self.neighbours]
        near = np.pad(near, ((0, 0), (0, self.neighbours - near.shape[1])), mode="edge")
        patches = np.concatenate([centres[:, None], points[near] - centres[:, None]], axis=1)  # l 1+k 3
        return Inputs.single(torch.from_numpy(patches.reshape(len(centres), -1).astype(np.float32)))

    def blank(self) -> Inputs:
        """Patches of zeros."""
        return Inputs.single(torch.zeros(self.patches, 3 * (1 + self.neighbours)))

    def provides(self) -> Mapping[str, int]:
        """How many numbers a patch has."""
        return {"numbers": 3 * (1 + self.neighbours)}

    def _spread(self, points: NDArray[np.float32]) -> list[int]:
        """Farthest point sampling, from the point farthest from the middle."""
        chosen = [int(np.linalg.norm(points, axis=1).argmax())]
        distances = np.full(len(points), np.inf)
        while len(chosen) < min(self.patches, len(points)):
            distances = np.minimum(distances, np.linalg.norm(points - points[chosen[-1]], axis=1))
            chosen.append(int(distances.argmax()))
        return chosen

    @classmethod
    def example(cls) -> tuple["PointPatches", NDArray[np.float32]]:
        """A small instance and a cloud, for the conformance kit."""
        return cls(patches=6, neighbours=4), np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


def _turn(angle: float) -> NDArray[np.float32]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=np.float32)
