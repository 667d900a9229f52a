"""m5kit: composable multimodal pretraining over items of which any modality may be missing.

``m5kit.load`` opens a trained run. What the names below need is imported when one of them is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from m5kit.public.answers import Embeddings, Explanation, Prediction
    from m5kit.public.run import Run, load

__version__ = "0.1.0"
__all__ = ["Embeddings", "Explanation", "Prediction", "Run", "load"]

_HOMES = {
    "Embeddings": "m5kit.public.answers",
    "Explanation": "m5kit.public.answers",
    "Prediction": "m5kit.public.answers",
    "Run": "m5kit.public.run",
    "load": "m5kit.public.run",
}
"""The modules that the public names live in."""


def __getattr__(name: str) -> Any:
    """Import what a public name needs: ``import m5kit`` alone must not cost seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, for those who explore."""
    return sorted([*globals(), *__all__])
