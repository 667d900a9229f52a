"""One published part, and its import."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from importlib import import_module

from m5kit.errors import PluginError
from m5kit.plugins.patience import TIMEOUT_VARIABLE, OutOfTime, import_limit, within
from m5kit.plugins.scope import LocalFile, PluginScope, current_scope, in_use

API_VERSION = 1

_TARGET = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::(?P<name>[A-Za-z_]\w*))?")


@dataclass(frozen=True, slots=True)
class PluginPart:
    """One entry point: a part that a distribution offers.

    Attributes:
        family: ``encoders``, ``fusions``, ... or ``configs``.
        name: how a config names it.
        distribution: the name on the package index, or the path of a local file.
        version: the installed version; of a local file, the beginning of its hash.
        api: the m5kit API version that its group names.
        target: ``package.module:Class``.
        local: whether it comes from a file that a config names, not from a distribution.
    """

    family: str
    name: str
    distribution: str
    version: str
    api: int
    target: str
    local: bool = False

    @property
    def label(self) -> str:
        """Name for messages, as ``pip`` shows it."""
        return f"{self.distribution} {self.version}"

    @property
    def module(self) -> str | None:
        """The module that the target names; None if it is not a plain dotted name, which must not be looked up."""
        match = _TARGET.fullmatch(self.target)
        return match["module"] if match and match["module"] != "__main__" else None

    @property
    def remedy(self) -> str:
        """What a user can do about a part that does not work."""
        return f"{self.fix}; m5kit plugins check {self.distribution} says more"

    @property
    def fix(self) -> str:
        """The remedy for a user who has already run the check."""
        fix = "fix the file" if self.local else f"fix or update it (pip install --upgrade {self.distribution})"
        return f"{fix} or choose another {self.family[:-1]}"

    def load(self) -> type:
        """Import the part.

        Raises:
            PluginError: with distribution, version, entry point, cause and remedy, whatever the import raised:
                broken binaries raise OSError or RuntimeError, not only ImportError. Also if it takes longer than
                ``M5KIT_PLUGIN_TIMEOUT`` seconds and can be interrupted.
        """
        limit = import_limit()
        import_module("torch")  # outside the limit: a slow import of torch is not the plugin's fault
        try:
            found = within(limit, self._import, f"importing {self.target} of the plugin {self.label}", self.remedy)
        except KeyboardInterrupt:
            raise
        except OutOfTime:
            hint = f"; if it is only slow, raise {TIMEOUT_VARIABLE}"
            raise self._failure(f"importing {self.target} did not end within {limit:g} s", hint) from None
        except BaseException as error:  # SystemExit and panics in Rust code are not Exceptions
            raise self._failure(f"importing {self.target} raised {type(error).__name__}: {error}") from error
        if not isinstance(found, type):
            raise self._failure(f"{self.target} is {found!r}, not a class")
        return found

    def _failure(self, problem: str, hint: str = "") -> PluginError:
        """The error for a part that cannot be used."""
        what = f"the plugin {self.label} cannot provide the {self.family[:-1]} {self.name!r}"
        return PluginError(f"{what}: {problem}\n{self.remedy}{hint}")

    def _import(self) -> object:
        """Import what the target names."""
        match = _TARGET.fullmatch(self.target)
        if match is None or match["name"] is None:
            raise ValueError("an entry point is written package.module:Class")
        with _printed_aside(), in_use(self._scope()):
            return getattr(import_module(match["module"]), match["name"])

    def _scope(self) -> PluginScope:
        """The current scope with the part's own file, which the finder must know."""
        scope = current_scope()
        file = LocalFile(self.distribution, self.version)
        return replace(scope, files=(file, *scope.files)) if self.local else scope


@contextmanager
def _printed_aside() -> Iterator[None]:
    """Send what a module prints during its import to standard error, so that a command's output stays clean."""
    with redirect_stdout(sys.stderr):
        yield
