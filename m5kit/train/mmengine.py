"""The only door to mmengine's Runner, loops, hooks and optimiser wrappers; opening it takes as long as torch does.

mmengine asks transformers for one optimiser that m5kit never uses. With peft installed that alone imports most of
transformers, sympy and torch's compiler: three seconds at the start of every command. While mmengine is imported here
transformers looks as if it were not installed, which mmengine is written for; afterwards it can be imported as ever.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _not_installed(library: str) -> Iterator[None]:
    """Let ``import library`` fail for a while, unless somebody has imported it before."""
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]  # how Python marks what must not be imported
    try:
        yield
    finally:
        del sys.modules[library]


with _not_installed("transformers"):
    from mmengine.hooks import Hook
    from mmengine.logging import MMLogger
    from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
    from mmengine.runner import BaseLoop, Runner
    from mmengine.visualization import Visualizer

__all__ = [
    "BaseLoop",
    "CosineAnnealingLR",
    "Hook",
    "LinearLR",
    "MMLogger",
    "OptimWrapper",
    "Runner",
    "Visualizer",
]
