"""Constructor arguments that several parts share: declared once as a dataclass, written one by one in a config.

A constructor takes such a group as one argument (``tuning: Tuning = Tuning()``). A config still writes the fields flat,
beside the part's other arguments (``{type: hf_image, trainable: all}``), and never names the group. The functions here
are the only place that knows of the difference.
"""

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import lru_cache
from typing import Any, get_type_hints

_CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ArgumentGroup:
    """Base of the frozen dataclasses that hold shared arguments."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The fields by name, to pass on to a constructor that takes them one by one."""
        return dict(vars(self))


@lru_cache(maxsize=1024)  # a command checks its config several times, and a sweep hundreds of configs
def flat_parameters(part: type) -> Mapping[str, inspect.Parameter]:
    """What a config may write for ``part``: its constructor's named parameters, each group replaced by its fields.

    A default of the constructor overrides a default of the group, so two parts can share a group with different
    defaults. A part without a constructor has only the ``*args`` and ``**kwargs`` of ``nn.Module``, which name nothing.
    """
    groups = argument_groups(part)
    flat: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(part).parameters.items():
        if name in groups:
            for each in _group_fields(groups[name], parameter.default):
                flat[each.name] = each
        elif parameter.kind not in _CATCH_ALL:
            flat[name] = parameter
    return flat


@lru_cache(maxsize=1024)
def flat_hints(part: type) -> Mapping[str, Any]:
    """The types of the :func:`flat_parameters`, with ranges; quoted ones are resolved where that is possible."""
    hints = dict(_hints(part))
    for name, group in argument_groups(part).items():
        hints.pop(name)
        hints |= get_type_hints(group, include_extras=True)
    return hints


def argument_groups(part: type) -> dict[str, type]:
    """The groups that the constructor of ``part`` takes, by the name of the argument."""
    return {name: hint for name, hint in _hints(part).items() if _is_group(hint)}


def gather(part: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The flat ``arguments`` of a config as the constructor of ``part`` takes them, with fields in their groups."""
    gathered = dict(arguments)
    parameters = inspect.signature(part).parameters
    for name, group in argument_groups(part).items():
        default = parameters[name].default
        # Start from the constructor's own default: it may differ from the group's.
        values = default.arguments if isinstance(default, ArgumentGroup) else {}
        for field in fields(group):  # type: ignore[arg-type]  # every group is a dataclass
            if field.name in gathered:
                values[field.name] = gathered.pop(field.name)
        if name not in gathered:  # a caller in Python may give the group whole
            gathered[name] = group(**values)
    return gathered


def _group_fields(group: type, default: Any) -> list[inspect.Parameter]:
    """The fields of a group as keyword-only parameters."""
    found = []
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):  # type: ignore[arg-type]
        value = getattr(default, field.name) if isinstance(default, ArgumentGroup) else _default(field)
        kind = inspect.Parameter.KEYWORD_ONLY
        found.append(inspect.Parameter(field.name, kind, default=value, annotation=hints[field.name]))
    return found


def _is_group(hint: Any) -> bool:
    """Whether a type is a group of arguments."""
    return isinstance(hint, type) and issubclass(hint, ArgumentGroup)


def _default(field: Field[Any]) -> Any:
    """The default of a field, as ``inspect`` writes it."""
    return inspect.Parameter.empty if field.default is MISSING else field.default


@lru_cache(maxsize=1024)  # resolving a quoted annotation compiles it, and a check asks for a part's several times
def _hints(part: type) -> Mapping[str, Any]:
    """Types of the constructor's arguments; empty if one is imported for type checkers only."""
    try:
        return get_type_hints(part.__init__, include_extras=True)  # type: ignore[misc]  # the class is the one that is built
    except (NameError, TypeError, AttributeError):
        return {}
