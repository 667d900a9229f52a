"""Checks of the class itself, the same in every family: base, constructor, documentation, import."""

from collections.abc import Callable

from m5kit.signatures import constructor_parameters
from m5kit.testing.imports import import_facts
from m5kit.testing.report import Skip, expect

SLOWEST_IMPORT = 5.0
"""Seconds that a part's module may take to import once torch and m5kit are there."""


def class_checks(base: type) -> list[Callable[[type], None]]:
    """The checks that need nothing but the class.

    Args:
        base: the family's contract.
    """

    def is_of_its_family(part: type) -> None:
        """A part derives from the base of its family and leaves no method of it abstract."""
        expect(issubclass(part, base), f"its bases are {_names(part.__mro__[1:-1])}; derive from {base.__name__}")
        # Python refuses an instance too, but names no part and no remedy
        left = sorted(getattr(part, "__abstractmethods__", ()))
        expect(not left, f"{', '.join(left)} is abstract; write it")

    return [is_of_its_family, constructor_is_explicit, is_documented, imports_quietly]


def constructor_is_explicit(part: type) -> None:
    """A constructor takes named arguments only, each with a type, and no **kwargs that would hide a misspelling."""
    for name, parameter in constructor_parameters(part).items():
        catches_all = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        expect(not catches_all, f"it takes {parameter}; name every argument")
        by_name = parameter.kind is parameter.KEYWORD_ONLY
        expect(by_name, f"{name!r} can be given by position; write (self, *, {name}, ...)")
        expect(parameter.annotation is not parameter.empty, f"{name!r} has no type; annotate it")


def is_documented(part: type) -> None:
    """The class says in the first line of its docstring what it is; `m5kit list` shows that line."""
    expect(bool((part.__dict__.get("__doc__") or "").strip()), "it has no docstring")


def imports_quietly(part: type) -> None:
    """Importing the module is quick, prints nothing, and opens no connection and no process."""
    module = part.__module__
    if module == "__main__":
        raise Skip("the class was written in the script that runs")
    # in another process, since this one has imported the module already
    facts = import_facts(module)
    expect(facts.problem is None, f"importing {module} in a new process raised {facts.problem}")
    expect(not facts.events, f"importing {module} caused {', '.join(facts.events)}; do that when it is needed")
    expect(not facts.output, f"importing {module} printed {facts.output!r}")
    slow = f"importing {module} took {facts.seconds:.1f} s, over {SLOWEST_IMPORT:g}; import what is heavy in methods"
    expect(facts.seconds <= SLOWEST_IMPORT, slow)


def _names(classes: tuple[type, ...]) -> str:
    return ", ".join(each.__name__ for each in classes)
