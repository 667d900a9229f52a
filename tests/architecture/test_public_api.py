"""The public surface for plugins is frozen: what it offers, with signatures, stands in public_api.txt."""

import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path

from m5kit import api

FROZEN = Path(__file__).with_name("public_api.txt")


def surface():
    """One line a name of m5kit.api, a method, a property or a field, sorted within its class."""
    for name in sorted(api.__all__):
        thing = getattr(api, name)
        if isinstance(thing, type):
            yield f"class {name}({', '.join(base.__name__ for base in thing.__bases__)})"
            yield from (f"    {line}" for line in sorted(members(thing)))
        elif callable(thing) and not hasattr(thing, "register_module"):
            yield f"def {name}{inspect.signature(thing)}"
        else:
            yield f"{name}: {type(thing).__name__}"


def members(cls):
    own = {
        name: value
        for base in reversed(cls.__mro__)
        if base.__module__.startswith("m5kit")
        for name, value in vars(base).items()
    }
    data = {field.name: field for field in fields(cls)} if is_dataclass(cls) else {}
    for name, field in data.items():
        yield f"{name}: {field.type if isinstance(field.type, str) else getattr(field.type, '__name__', field.type)}"
    for name, value in own.items():
        if name.startswith("_") and name not in ("__call__", "__len__") or name in data:
            continue
        if isinstance(value, classmethod | staticmethod):
            yield f"{type(value).__name__} {name}{inspect.signature(value.__func__)}"
        elif inspect.isfunction(value):
            yield f"{name}{inspect.signature(value)}"
        elif isinstance(value, property) or type(value).__name__ == "cached_property":
            yield f"property {name}"


def test_the_public_surface_is_the_frozen_one():
    now = "\n".join(surface()) + "\n"
    assert now == FROZEN.read_text(encoding="utf-8"), (
        "m5kit.api changed. Read docs/plugins/policy.md; if the change is allowed, write it down with\n"
        "  python tests/architecture/test_public_api.py"
    )


def test_every_public_name_is_documented():
    text = (Path(__file__).parents[2] / "docs/plugins/api.md").read_text(encoding="utf-8")
    missing = [name for name in api.__all__ if f"`{name}`" not in text]
    assert missing == []


if __name__ == "__main__":
    FROZEN.write_text("\n".join(surface()) + "\n", encoding="utf-8")
