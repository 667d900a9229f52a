"""m5kit: composable multimodal pretraining over items of which any modality may be missing.

``m5kit.train`` trains a run, ``m5kit.load`` opens one, ``m5kit.evaluate`` and ``m5kit.sweep`` measure,
``m5kit.Index`` searches. What these names need is imported when one of them is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from m5kit.collection import no_collection

if TYPE_CHECKING:
    from m5kit.index.index import Index
    from m5kit.public.answers import Embeddings, Explanation, Prediction
    from m5kit.public.loading import load
    from m5kit.public.run import Run
    from m5kit.public.training import SweepReport, evaluate, sweep, train

__version__ = "0.1.0"
__all__ = [
    "Embeddings",
    "Explanation",
    "Index",
    "Prediction",
    "Run",
    "SweepReport",
    "evaluate",
    "load",
    "sweep",
    "train",
]

_HOMES = {
    "Embeddings": "m5kit.public.answers",
    "Explanation": "m5kit.public.answers",
    "Index": "m5kit.index.index",
    "Prediction": "m5kit.public.answers",
    "Run": "m5kit.public.run",
    "SweepReport": "m5kit.public.training",
    "evaluate": "m5kit.public.training",
    "load": "m5kit.public.loading",
    "sweep": "m5kit.public.training",
    "train": "m5kit.public.training",
}
"""The modules that the public names live in."""


def __getattr__(name: str) -> Any:
    """Import what a public name needs: ``import m5kit`` alone must not cost seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with no_collection():
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, for those who explore."""
    return sorted([*globals(), *__all__])
