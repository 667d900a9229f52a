"""Constructor arguments that several parts share: written once as a dataclass, given one by one in a config.

A constructor takes such a group as one argument (``tuning: Tuning = Tuning()``). A config still writes the fields flat,
beside the part's other arguments (``{type: hf_image, trainable: all}``), and never names the group. The functions here
are the only place that knows of the difference.
"""

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

_CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ArgumentGroup:
    """Base of the frozen dataclasses that hold shared arguments."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The fields by name, to hand on to a constructor that takes them one by one."""
        return dict(vars(self))


def flat_parameters(part: type) -> dict[str, inspect.Parameter]:
    """What a config may write for ``part``: its constructor's named parameters, each group replaced by its fields.

    A default of the constructor comes before a default of the group, so two parts may share a group and still begin
    with different values. A part without a constructor of its own has the catch-alls of ``nn.Module``, which name none.
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


def flat_hints(part: type) -> dict[str, Any]:
    """The type of each of the :func:`flat_parameters`, names in quotes resolved where that is possible."""
    hints = _hints(part)
    for name, group in argument_groups(part).items():
        hints.pop(name)
        hints |= get_type_hints(group)
    return hints


def argument_groups(part: type) -> dict[str, type]:
    """The groups that the constructor of ``part`` takes, by the name of the argument."""
    return {name: hint for name, hint in _hints(part).items() if _is_group(hint)}


def gather(part: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The ``arguments`` of a config, flat, as the constructor of ``part`` takes them: fields put into their groups."""
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
    """The fields of a group as parameters that can only be given by name."""
    found = []
    hints = get_type_hints(group)
    for field in fields(group):  # type: ignore[arg-type]
        value = getattr(default, field.name) if isinstance(default, ArgumentGroup) else _default(field)
        kind = inspect.Parameter.KEYWORD_ONLY
        found.append(inspect.Parameter(field.name, kind, default=value, annotation=hints[field.name]))
    return found


def _is_group(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, ArgumentGroup)


def _default(field: Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default


def _hints(part: type) -> dict[str, Any]:
    """Types of the constructor's arguments; none if it names a type that only type checkers import."""
    try:
        return get_type_hints(part.__init__)  # type: ignore[misc]  # the class is the one that is built
    except (NameError, TypeError, AttributeError):
        return {}
