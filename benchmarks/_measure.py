"""What the benchmarks share: processor seconds in blocks A B B A, results compared first, and the noise of A against A.

Other processes change processor time less than the clock's. Blocks in turns cancel what drifts. The noise is what two
measurements of the same thing differ by; an answer that is closer to its bound than that is undecided.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """What B takes of A's time.

    Attributes:
        value: the median over the rounds.
        noise: by how much A differs from itself, as a share.
    """

    value: float
    noise: float

    def verdict(self, most: float) -> str:
        """Whether the ratio is at most ``most``: yes, no, or undecided where the noise hides the answer."""
        if abs(self.value / most - 1) <= self.noise:
            return "undecided"
        return "yes" if self.value <= most else "no"

    def __str__(self) -> str:
        return f"{self.value:.2f} (noise {self.noise:.0%})"


def of_this_process(action: Callable[[], object]) -> float:
    """Processor seconds of a call, all its threads together."""
    started = time.process_time()
    action()
    return time.process_time() - started


def of_a_process(arguments: Sequence[str]) -> float:
    """Processor seconds of a new Python; bytecode is cached, as it is once a package is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spread(seconds: Sequence[float]) -> float:
    """By how much measurements of the same thing differ: half the distance of the quartiles."""
    low, _, high = statistics.quantiles(seconds, n=4)
    return (high - low) / 2


def compare(
    first: Callable[[], object], second: Callable[[], object], rounds: int = 5, same: Callable[[], bool] | None = None
) -> Ratio:
    """The time of ``second`` over that of ``first``.

    Args:
        first: A.
        second: B.
        rounds: of A B B A.
        same: whether both give the same; checked before anything is measured.

    Raises:
        SystemExit: they do not.
    """
    if same is not None and not same():
        raise SystemExit("the two do not give the same, so their times cannot be compared")
    first()
    second()
    ratios, repeats = [], []
    for _ in range(rounds):
        before, one, other, after = (of_this_process(action) for action in (first, second, second, first))
        ratios.append((one + other) / (before + after))
        repeats.append(abs(after / before - 1))
    return Ratio(statistics.median(ratios), statistics.median(repeats))
