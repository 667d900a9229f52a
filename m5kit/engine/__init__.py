"""The former name of what is now :mod:`m5kit.training`, :mod:`m5kit.inference` and :mod:`m5kit.runs`.

``import m5kit.engine.loop`` gives the module of today, with a warning. Nothing in m5kit imports this package.
"""

import sys
import warnings
from importlib import import_module

MOVED = {
    "checkpoint": "m5kit.runs.checkpoint",
    "config": "m5kit.config",
    "embedding": "m5kit.inference.embedding",
    "evaluating": "m5kit.inference.evaluation",
    "loop": "m5kit.training.loop",
    "optim": "m5kit.training.optim",
    "training": "m5kit.training.run",
}
"""Where each of the former modules is now."""

warnings.warn(
    f"m5kit.engine is the former name of {', '.join(sorted(set(MOVED.values())))}; it will be removed in m5kit 1.0",
    DeprecationWarning,
    stacklevel=2,
)
for _before, _now in MOVED.items():
    # The same module under both names: what a program changes in one of them must count in the other.
    sys.modules[f"{__name__}.{_before}"] = globals()[_before] = import_module(_now)
