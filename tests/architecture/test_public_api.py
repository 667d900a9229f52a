"""Both public surfaces are frozen: what they offer, with signatures, stands in text files.

m5kit.api is for plugins, m5kit itself for those who use models.
"""

import inspect
import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

import m5kit
from m5kit import api
from m5kit.registry import FAMILIES

FROZEN = {
    "m5kit.api": Path(__file__).with_name("public_api.txt"),
    "m5kit": Path(__file__).with_name("public_python.txt"),
}
PAGE = Path(__file__).parents[2] / "docs/plugins/api.md"
HOWTO = Path(__file__).parents[2] / "docs/howto/python.md"


def surface(module):
    """One line a public name, and one a method, property, attribute or field, sorted within its class."""
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        if isinstance(thing, type):
            yield f"class {name}({', '.join(base.__name__ for base in thing.__bases__)})"
            yield from (f"    {line}" for line in sorted(members(thing)))
        elif inspect.isfunction(thing):
            yield f"def {name}{arguments(thing)}"
        else:
            yield f"{name}: {type(thing).__name__}"


def members(cls):
    ours = [base for base in reversed(cls.__mro__) if base.__module__.startswith("m5kit")]
    data = {field.name for field in fields(cls)} if is_dataclass(cls) else set()
    yield from (f"field {name}" for name in data)
    for name, value in {name: value for base in ours for name, value in vars(base).items()}.items():
        public = not name.startswith("_") or name in ("__call__", "__len__")
        if not public or name in data:
            continue
        if isinstance(value, classmethod):
            yield f"classmethod {name}{arguments(value.__func__)}"
        elif inspect.isfunction(value):
            yield f"def {name}{arguments(value)}"
        elif isinstance(value, property) or type(value).__name__ == "cached_property":
            yield f"property {name}"
        elif not callable(value) and not isinstance(value, staticmethod):
            yield f"attribute {name}"  # what a class declares about itself


def arguments(function):
    """Names, kinds and defaults; how a type is written differs between versions of Python and numpy."""
    signature = inspect.signature(function)
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    written = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", written)  # where a default that is a function lies in memory


@pytest.mark.parametrize("module", [api, m5kit], ids=lambda module: module.__name__)
def test_the_public_surface_is_the_frozen_one(module):
    assert "\n".join(surface(module)) + "\n" == FROZEN[module.__name__].read_text(encoding="utf-8"), (
        f"{module.__name__} changed. Read docs/plugins/policy.md; if the change is allowed, write it down with\n"
        "  python tests/architecture/test_public_api.py"
    )


def test_every_public_name_is_documented():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in api.__all__ if f"`{name}`" not in page] == []


def test_every_function_of_the_package_is_documented():
    page = HOWTO.read_text(encoding="utf-8")
    functions = [name for name in m5kit.__all__ if inspect.isfunction(getattr(m5kit, name))]
    assert [name for name in functions if f"m5kit.{name}" not in page and f".{name}(" not in page] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_check_of_the_kit_is_documented_with_its_rule(family):
    page = PAGE.with_name("testing.md").read_text(encoding="utf-8")
    section = page.partition(f"### {family}\n")[2].partition("\n### ")[0]
    checks = import_module(f"m5kit.testing.{FAMILIES[family].singular}").CHECKS
    rows = []
    for name, check in {**checks.class_checks, **checks.by_name}.items():
        rule = (inspect.getdoc(check) or "").partition("\n")[0].replace("``", "`")
        rows.append(f"| `{name}` | {rule} |")
    assert [row for row in rows if row not in section] == []


if __name__ == "__main__":
    for module in (api, m5kit):
        FROZEN[module.__name__].write_text("\n".join(surface(module)) + "\n", encoding="utf-8")
