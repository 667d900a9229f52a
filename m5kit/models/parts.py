"""The parts of a model by the names that a config gives them, and those of them that do not learn."""

from collections.abc import Collection

from torch import nn

from m5kit.models.base import Model

_OF_THE_MODEL = ("balancer", "head")
_OF_THE_BACKBONE = ("fusion", "harmonizer")


def named_parts(model: Model) -> dict[str, nn.Module]:
    """The modules of a model by config key: ``encoder_<modality>``, ``fusion``, ``harmonizer``, ``task_<name>``...

    A stack that several encoders share belongs to each of them.
    """
    parts: dict[str, nn.Module] = {}
    for modality in model.modalities:
        parts[f"encoder_{modality}"] = model.backbone.encoders[modality]
    for name in _OF_THE_BACKBONE:
        parts[name] = getattr(model.backbone, name)
    for name, task in getattr(model, "tasks", {}).items():
        parts[f"task_{name}"] = task
    for name in _OF_THE_MODEL:
        if hasattr(model, name):
            parts[name] = getattr(model, name)
    additions = getattr(model, "additions", None)
    if additions:
        # What is learned of public vectors is learned for the head alone.
        parts["head"] = nn.ModuleList([parts["head"], additions])
    return parts


def freeze(model: Model, names: Collection[str]) -> None:
    """Take parts out of training: their parameters learn nothing, and they stay as in evaluation (no dropout).

    Args:
        model: any.
        names: of its parts, as in the config.
    """
    parts = named_parts(model)
    frozen = []
    for name in names:
        parts[name].requires_grad_(False)
        frozen.append(parts[name].eval())
    # A tuple, so that torch does not register them a second time under another name.
    model.frozen = tuple(frozen)
