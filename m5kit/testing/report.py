"""Runs the checks of a family on one part and reports which passed, which were skipped and which failed."""

import random
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from m5kit.errors import ContractError, MissingDependencyError
from m5kit.registry import FAMILIES
from m5kit.testing.returned import returns_told

Case = TypeVar("Case")
"""The argument of the checks of one family: the part, and inputs to try it on."""


class Skip(Exception):  # noqa: N818  # not an error
    """Raised by a check that does not apply to a part; the message says why."""


class ConformanceError(AssertionError):
    """A part does not keep the contract of its family, or nothing was checked.

    Args:
        report: of every check.
    """

    def __init__(self, report: "Report") -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True, slots=True)
class Report:
    """What the conformance kit found.

    Attributes:
        family: ``encoders``, ``fusions``, ...
        part: the class, as a message shows it.
        passed: names of the checks that hold.
        skipped: why, by name of a check that does not apply.
        failed: what is wrong, by name of check.
    """

    family: str
    part: str
    passed: tuple[str, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def ran(self) -> int:
        """How many checks gave an answer."""
        return len(self.passed) + len(self.failed)

    @property
    def ok(self) -> bool:
        """Whether something was checked and all of it holds."""
        return self.ran > 0 and not self.failed

    def __str__(self) -> str:
        counts = f"{self.ran} checks ran, {len(self.failed)} failed, {len(self.skipped)} skipped"
        lines = [f"{self.part} ({self.family}): {counts}"]
        lines += [f"  failed   {name}: {reason}" for name, reason in self.failed.items()]
        lines += [f"  skipped  {name}: {reason}" for name, reason in self.skipped.items()]
        if not self.ran:
            lines.append("  nothing was checked, which counts as a failure")
        return "\n".join(lines)


class Checks(Generic[Case]):
    """The checks of one family, in the order in which they are written.

    Args:
        family: plural name, as a registry's.
        class_checks: checks of the class, which need no instance.
        shared: checks that hold for more than this family.
    """

    def __init__(
        self, family: str, class_checks: Sequence[Callable[[type], None]], shared: Sequence[Callable[[Case], None]] = ()
    ) -> None:
        self.family = family
        self.class_checks = {check.__name__: check for check in class_checks}
        self.by_name = {check.__name__: check for check in shared}

    @property
    def names(self) -> list[str]:
        """The names of all checks."""
        return [*self.class_checks, *self.by_name]

    def add(self, check: Callable[[Case], None]) -> Callable[[Case], None]:
        """Register a check; it is called by the function's name, and the first line of its docstring is the rule."""
        self.by_name[check.__name__] = check
        return check

    def run(self, part: type | str, make: Callable[[Any], Case], only: Collection[str] | None = None) -> Report:
        """Run every check on a new case, each from the same random state.

        Args:
            part: the class, or the name of a registered one.
            make: builds a fresh case of the class.
            only: names of the checks to run; all of them if None.

        Raises:
            ConformanceError: a check failed, or none ran.
            MissingDependencyError: the part needs a library that is not installed, so nothing can be checked.
            ContractError: ``only`` names a check that the family does not have.
        """
        __tracebackhide__ = True  # pytest then shows the report, not this function
        unknown = sorted(set(only or ()) - set(self.names))
        if unknown:
            raise ContractError(f"no check of {self.family} is named {unknown[0]!r}; there are {', '.join(self.names)}")
        cls = FAMILIES[self.family].get(part) if isinstance(part, str) else part
        passed, skipped, failed = [], {}, {}
        for name in self.names:
            if only is not None and name not in only:
                continue
            try:
                self._try(name, cls, make)
            except Skip as reason:
                skipped[name] = str(reason)
            except MissingDependencyError:
                raise
            except Exception as error:
                failed[name] = _explain(self.class_checks.get(name) or self.by_name[name], error)
            else:
                passed.append(name)
        report = Report(self.family, f"{cls.__module__}.{cls.__qualname__}", tuple(passed), skipped, failed)
        # nothing checked is a failure, unless all checks that were asked for do not apply
        if not report.ok and not (only is not None and skipped and not failed):
            raise ConformanceError(report)
        return report

    def _try(self, name: str, part: type, make: Callable[[Any], Case]) -> None:
        """Run one check and put the global random states back, so that the order of checks does not matter."""
        if name in self.class_checks:
            self.class_checks[name](part)
            return
        state, numpy_state = random.getstate(), np.random.get_state()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                with self._observed(part):
                    self.by_name[name](make(part))
            finally:
                random.setstate(state)
                np.random.set_state(numpy_state)

    def _observed(self, part: type) -> AbstractContextManager[None]:
        """Where the family has a contract, a crash is told by the type that the part did not keep."""
        family = FAMILIES.get(self.family)
        return nullcontext() if family is None else returns_told(part, family.contract())


def expect(holds: bool, problem: str) -> None:
    """Fail the running check with ``problem`` unless ``holds``."""
    if not holds:
        raise AssertionError(problem)


def _explain(check: Callable[..., None], error: Exception) -> str:
    """The rule that a check holds, and how the part breaks it."""
    rule = (check.__doc__ or "").partition("\n")[0]
    what = str(error) if isinstance(error, AssertionError) else f"it raised {type(error).__name__}: {error}"
    return f"{rule} But: {what}"
