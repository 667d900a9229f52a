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
    accepted = flat_parameters(part)  # type: ignore[arg-type]  # a class can be hashed, which mypy does not know here
    arguments = {name: value for name, value in known.items() if name in accepted}
    arguments |= _extra(part)  # the example comes last: it knows what the part needs better than the kit
    needed = []
    for name, parameter in accepted.items():
        keyword_only = parameter.kind is parameter.KEYWORD_ONLY  # others fail a check of their own
        if keyword_only and parameter.default is parameter.empty and name not in arguments:
            needed.append(name)
    if needed:
        raise ContractError(
            f"{part.__name__} needs {', '.join(needed)}; give a default, or a classmethod example() that returns them "
            f"as a dict"
        )
    return part(**gather(part, arguments))


def _extra(part: type) -> Mapping[str, Any]:
    """What the part's ``example()`` gives, if it has one."""
    example = getattr(part, "example", None)
    return example() if example is not None else {}
