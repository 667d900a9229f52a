"""Every error that m5kit raises for something that a user can fix.

::

    M5KitError
    ├── ConfigError               a config, an override or a combination of parts is wrong
    │   ├── UnknownComponentError     no registered part has that name
    │   └── UsageError                an argument of a function, or the environment, is wrong
    ├── PluginError               a plugin was named but cannot be used
    ├── DataError                 a manifest, a split or too large a share of the files is wrong
    │   ├── DecodeError               one media file cannot be read
    │   ├── BadItemsError             some of the items that were handed over cannot be used
    │   └── IndexUnavailableError     an index that was opened is gone, damaged or another one now
    ├── QueryError                a search or a filter cannot be answered as it was asked
    ├── ContractError             a part broke the contract of its family (shape, width, mask)
    ├── CheckpointError           a run folder or a checkpoint is missing, damaged or of another model
    └── MissingDependencyError    an optional library is not installed

A message says what was given, what was expected and what to do. The command line prints it without a traceback.
"""

from collections.abc import Mapping, Sequence


class M5KitError(Exception):
    """Root of all errors that the command line shows as a message, not as a traceback."""


class ConfigError(M5KitError):
    """One or more mistakes in a config, or in the options of a command; all of them are in the message, one a line.

    Args:
        problems: one sentence a mistake.

    Example:
        >>> print(ConfigError(["schedule.lr: expected a number, got 'fast'"]))
        the config has 1 mistake:
          schedule.lr: expected a number, got 'fast'
        >>> print(ConfigError(["--ranks: expected at least 1, got 0"]))
        the command has 1 mistake:
          --ranks: expected at least 1, got 0
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        where = "the command" if all(map(_is_of_an_option, self.problems)) else "the config"
        super().__init__(f"{where} has {count} mistake{'s' if count != 1 else ''}:\n{lines}")


def _is_of_an_option(problem: str) -> bool:
    """Whether it begins with an option; ``--set`` writes a part of the config."""
    return problem.startswith("--") and not problem.startswith("--set")


class UnknownComponentError(ConfigError):
    """A name that neither m5kit nor an installed plugin registers."""

    def __init__(self, message: str) -> None:
        super().__init__([message])

    def __str__(self) -> str:
        return self.problems[0]


class UsageError(ConfigError):
    """What a caller gave is wrong, and no config is at hand: arguments of a function, values of the environment.

    Args:
        problems: one sentence a mistake.

    Example:
        >>> print(UsageError(["jobs: expected at least 1, got 0"]))
        jobs: expected at least 1, got 0
        >>> print(UsageError(["width: expected at least 1, got 0", "space: there is no 'x'"]))
        2 mistakes:
          width: expected at least 1, got 0
          space: there is no 'x'
    """

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        return "\n".join([f"{len(self.problems)} mistakes:", *(f"  {problem}" for problem in self.problems)])


class PluginError(M5KitError):
    """A plugin that a config or a command names cannot be imported or used."""


class DataError(M5KitError):
    """A manifest, a split or the share of unreadable files stops the work."""


class DecodeError(DataError):
    """One media file cannot be read; the item goes on without that modality."""


class BadItemsError(DataError):
    """Some of the items that a caller handed over cannot be used; they are named, one a line.

    Args:
        problems: what is wrong, by the position of the item.
        count: how many items were handed over.

    Example:
        >>> print(BadItemsError({1: "text: the text is empty"}, 3))
        1 of 3 items cannot be used:
          item 1: text: the text is empty
        errors="skip" leaves them out
    """

    MOST = 20
    """Items that the message names; all of them stand in ``problems``."""

    def __init__(self, problems: Mapping[int, str], count: int) -> None:
        self.problems, self.count = dict(problems), count
        lines = [f"{len(problems)} of {count} items cannot be used:"]
        lines += [f"  item {position}: {problems[position]}" for position in sorted(problems)[: self.MOST]]
        if len(problems) > self.MOST:
            lines.append(f"  ... and {len(problems) - self.MOST} more")
        super().__init__("\n".join([*lines, 'errors="skip" leaves them out']))

    def __reduce__(self) -> tuple[type["BadItemsError"], tuple[Mapping[int, str], int]]:
        """Pickled by its arguments, so that it can leave a worker process."""
        return type(self), (self.problems, self.count)


class IndexUnavailableError(DataError):
    """An index that was opened cannot be read now: it is gone, damaged, or another one was built in its place."""


class QueryError(M5KitError):
    """A search, a filter or a request cannot be answered as it was asked."""


class ContractError(M5KitError):
    """A part returned something its family's contract forbids."""


class CheckpointError(M5KitError):
    """A run folder or checkpoint is missing, damaged, or was made by another model."""


class MissingDependencyError(M5KitError):
    """An optional library is needed by a part that the config names.

    Args:
        library: the library's name on the package index.
        needed_by: what needs it, as the user knows it.
        extra: the extra of m5kit that installs it.
        cause: what its import raised; None if nobody tried.

    Example:
        >>> print(MissingDependencyError("lancedb", "an index", "index"))
        an index needs the library 'lancedb', which is not installed; run: pip install 'm5kit[index]'
    """

    def __init__(self, library: str, needed_by: str, extra: str, cause: ImportError | None = None) -> None:
        if cause is None or isinstance(cause, ModuleNotFoundError):
            state, command = "is not installed", f"pip install 'm5kit[{extra}]'"
        else:  # it is there, and broken, or the machine could not load it
            state, command = f"cannot be imported ({cause})", f"pip install --force-reinstall {library}"
        super().__init__(f"{needed_by} needs the library {library!r}, which {state}; run: {command}")
