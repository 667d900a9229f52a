"""Which plugins may be used in this process: what the environment says, narrowed by the config at hand."""

import os
from collections.abc import Sequence

from m5kit.plugins.parts import plain_name

ALLOW_VARIABLE = "M5KIT_PLUGINS"
STRICT_VARIABLE = "M5KIT_STRICT_PLUGINS"
LOCAL_VARIABLE = "M5KIT_LOCAL_PLUGINS"

_of_config: list[frozenset[str] | None] = [None]


def use(allow: Sequence[str] | None = None, local: Sequence[str] = ()) -> None:
    """Take over what a config says about plugins; it replaces what the config before said.

    Args:
        allow: names of distributions; None for all that the environment allows.
        local: absolute paths of files that register parts. They are kept in the environment, so that processes
            started from this one, data workers among them, can import the same.
    """
    _of_config[0] = None if allow is None else frozenset(map(plain_name, allow))
    if local:
        os.environ[LOCAL_VARIABLE] = os.pathsep.join(local)
    else:
        os.environ.pop(LOCAL_VARIABLE, None)


def allowed() -> frozenset[str] | None:
    """Plain names of the distributions that may be used; None for all."""
    said = os.environ.get(ALLOW_VARIABLE)
    by_environment = None if said is None else frozenset(plain_name(word.strip()) for word in said.split(","))
    narrower = [each for each in (by_environment, _of_config[0]) if each is not None]
    return frozenset.intersection(*narrower) if narrower else None


def is_strict() -> bool:
    """Whether anything broken among the plugins is an error, also where it is not used."""
    return os.environ.get(STRICT_VARIABLE, "") not in ("", "0")


def local_files() -> tuple[str, ...]:
    """Absolute paths of the local files in use."""
    return tuple(path for path in os.environ.get(LOCAL_VARIABLE, "").split(os.pathsep) if path)
