"""One published part, and how it is imported."""

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
        local: whether it is a file that a config names instead of a distribution.
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
        """The module that the target names; None if it is no plain dotted name, which nothing may then look up."""
        match = _TARGET.fullmatch(self.target)
        return match["module"] if match and match["module"] != "__main__" else None

    @property
    def remedy(self) -> str:
        """What a user can do about a part that does not work."""
        return f"{self.fix}; m5kit plugins check {self.distribution} says more"

    @property
    def fix(self) -> str:
        """The same for a user who has checked it."""
        fix = "fix the file" if self.local else f"fix or update it (pip install --upgrade {self.distribution})"
        return f"{fix} or choose another {self.family[:-1]}"

    def load(self) -> type:
        """Import the part.

        Raises:
            PluginError: with distribution, version, entry point, root cause and remedy, whatever the import raised:
                broken binaries raise OSError or RuntimeError, not only ImportError. Also if it takes longer than
                ``M5KIT_PLUGIN_TIMEOUT`` seconds and can be interrupted.
        """
        limit = import_limit()
        import_module("torch")  # every plugin needs it, so a slow disk is not the plugin's fault
        try:
            found = within(limit, self._import, f"importing {self.target} of the plugin {self.label}", self.remedy)
        except KeyboardInterrupt:
            raise
        except OutOfTime:
            hint = f"; if it is only slow, raise {TIMEOUT_VARIABLE}"
            raise self._failure(f"importing {self.target} did not end within {limit:g} s", hint) from None
        except BaseException as error:  # SystemExit, and a panic of Rust, are no Exceptions
            raise self._failure(f"importing {self.target} raised {type(error).__name__}: {error}") from error
        if not isinstance(found, type):
            raise self._failure(f"{self.target} is {found!r}, not a class")
        return found

    def _failure(self, problem: str, hint: str = "") -> PluginError:
        what = f"the plugin {self.label} cannot provide the {self.family[:-1]} {self.name!r}"
        return PluginError(f"{what}: {problem}\n{self.remedy}{hint}")

    def _import(self) -> object:
        match = _TARGET.fullmatch(self.target)
        if match is None or match["name"] is None:
            raise ValueError("an entry point is written package.module:Class")
        with _printed_aside(), in_use(self._scope()):
            return getattr(import_module(match["module"]), match["name"])

    def _scope(self) -> PluginScope:
        """The scope at hand; it knows the part's own file, whoever asks for the part."""
        scope = current_scope()
        file = LocalFile(self.distribution, self.version)
        return replace(scope, files=(file, *scope.files)) if self.local else scope


@contextmanager
def _printed_aside() -> Iterator[None]:
    """What a module prints while it is imported goes to standard error, so that it spoils no output of a command."""
    with redirect_stdout(sys.stderr):
        yield
