"""Builds a part as a run would: known values by name, the rest from its ``example()``."""

from collections.abc import Mapping
from typing import Any, TypeVar

from m5kit.arguments import flat_parameters, gather
from m5kit.errors import ContractError

Part = TypeVar("Part")


def build(part: type[Part], **known: Any) -> Part:
    """Construct ``part`` with those of the ``known`` values that it takes and the arguments its ``example()`` adds.

    Raises:
        ContractError: an argument has no default, is not known, and no ``example()`` gives it.
    """
    accepted = flat_parameters(part)
    arguments = {name: value for name, value in known.items() if name in accepted} | dict(_extra(part))
    needed = [
        n for n, p in accepted.items() if p.default is p.empty and p.kind is p.KEYWORD_ONLY and n not in arguments
    ]
    if needed:
        raise ContractError(
            f"{part.__name__} needs {', '.join(needed)}; give a default, or a classmethod example() that returns them "
            f"as a dict"
        )
    return part(**gather(part, arguments))


def _extra(part: type) -> Mapping[str, Any]:
    example = getattr(part, "example", None)
    return example() if example is not None else {}
