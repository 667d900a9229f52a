"""The plugins that may be used: an immutable value that belongs to a config and is passed to every look-up.

The environment is read where no config decides, and written only for processes that are about to start. Two configs
that allow different plugins can therefore be used in one process.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

from m5kit.plugins.imports import helpers_of

ALLOW_VARIABLE = "M5KIT_PLUGINS"
STRICT_VARIABLE = "M5KIT_STRICT_PLUGINS"
LOCAL_VARIABLE = "M5KIT_LOCAL_PLUGINS"
_VARIABLES = (ALLOW_VARIABLE, STRICT_VARIABLE, LOCAL_VARIABLE)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A Python file that registers parts, as it was when a config named it.

    Attributes:
        path: absolute.
        digest: of its content, see :func:`hash_of`; empty if the file cannot be read.
    """

    path: str
    digest: str

    @classmethod
    def at(cls, path: str) -> "LocalFile":
        """The file as it is now."""
        try:
            return cls(path, hash_of(Path(path)))
        except OSError:  # the look-up of a part names the file; a config without it can still be shown
            return cls(path, "")


@dataclass(frozen=True, slots=True)
class PluginScope:
    """The plugins that a config may use.

    Attributes:
        allow: plain names of the distributions; None for all that are installed.
        files: local files, in the order in which they were named.
        strict: whether any broken plugin is an error, even if it is not used.
    """

    allow: frozenset[str] | None = None
    files: tuple[LocalFile, ...] = ()
    strict: bool = False

    @classmethod
    def from_environment(cls) -> "PluginScope":
        """What the environment of this process allows."""
        allow = os.environ.get(ALLOW_VARIABLE)
        paths = os.environ.get(LOCAL_VARIABLE, "").split(os.pathsep)
        scope = cls(strict=os.environ.get(STRICT_VARIABLE, "") not in ("", "0"))
        return scope.narrowed(None if allow is None else allow.split(",")).with_files(list(filter(None, paths)))

    def narrowed(self, allow: Sequence[str] | None) -> "PluginScope":
        """The scope without the distributions that are not in ``allow``; None leaves all."""
        if allow is None:
            return self
        names = frozenset(plain_name(name.strip()) for name in allow)
        return replace(self, allow=names if self.allow is None else names & self.allow)

    def with_files(self, paths: Sequence[str]) -> "PluginScope":
        """The scope with further local files; a file that it already has is read again."""
        # read again, because its content may have changed since
        others = [file for file in self.files if file.path not in paths]
        return replace(self, files=(*others, *map(LocalFile.at, dict.fromkeys(paths))))

    def allows(self, distribution: str) -> bool:
        """Whether an installed distribution may be used."""
        return self.allow is None or plain_name(distribution) in self.allow

    def environment(self) -> dict[str, str]:
        """The environment for a child process that uses this scope."""
        variables = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
        if self.allow is not None:
            variables[ALLOW_VARIABLE] = ",".join(sorted(self.allow))
        if self.files:
            variables[LOCAL_VARIABLE] = os.pathsep.join(file.path for file in self.files)
        if self.strict:
            variables[STRICT_VARIABLE] = "1"
        return variables

    @contextmanager
    def exported(self) -> Iterator[None]:
        """Put the scope into the environment while processes are started that cannot be given one, as loader workers.

        The environment is as before when the ``with`` block ends.
        """
        before = {name: os.environ.get(name) for name in _VARIABLES}
        wanted = self.environment()
        _set_variables({name: wanted.get(name) for name in _VARIABLES})
        try:
            yield
        finally:
            _set_variables(before)


_in_use: ContextVar[PluginScope | None] = ContextVar("m5kit_plugin_scope", default=None)


def current_scope() -> PluginScope:
    """The scope of the part that is being built; the environment's if none is."""
    return _in_use.get() or PluginScope.from_environment()


@contextmanager
def in_use(scope: PluginScope) -> Iterator[None]:
    """Make this the scope of look-ups that name none, so that a part can build others without knowing scopes."""
    token = _in_use.set(scope)
    try:
        yield
    finally:
        _in_use.reset(token)


def hash_of(path: Path) -> str:
    """The version of a local file: the beginning of its SHA-256, and of the files beside it that it stands on."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no regular file")  # reading a pipe would wait for its other end
    found = hashlib.sha256(path.read_bytes())
    for helper in helpers_of(path):
        content = helper.read_bytes()
        found.update(f"{helper.relative_to(path.parent).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12]


def plain_name(distribution: str) -> str:
    """A distribution's name as package indexes compare them.

    Example:
        >>> plain_name("M5kit_Encoder.Foo")
        'm5kit-encoder-foo'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _set_variables(values: dict[str, str | None]) -> None:
    """Set variables of this process; None removes one."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
