"""``m5kit VERB ...``: finds the verb, runs it, and prints errors as messages."""

import argparse
import io
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType, ModuleType

from m5kit import __version__
from m5kit.cli._parser import Parser
from m5kit.cli.output import printable
from m5kit.errors import M5KitError, MissingDependencyError
from m5kit.permissions import FOLLOW_LINKS, LOCAL_PLUGINS, allowing
from m5kit.refusals import remedy

# Exit statuses. Those of signals are 128 and the signal's number, as shells have them.
MISTAKE = 2
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
PIPE_CLOSED = 128 + signal.SIGPIPE
ALLOW_VARIABLE = "M5KIT_PLUGINS"  # repeated here: importing m5kit.plugins would slow --help down


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: those after ``m5kit`` on the command line; None for those of the process.

    Returns:
        The exit status: 0, that of the verb, 2 for an error of the user, 130 if interrupted, 143 if terminated.
    """
    return in_sentences(lambda: _act(arguments))


def in_sentences(action: Callable[[], int]) -> int:
    """Run something that a user asked for; a user's mistake, or what the machine lacks, becomes a sentence.

    Args:
        action: returns an exit status.

    Returns:
        The exit status, as :func:`main` has it.
    """
    _prepare_output()
    try:
        try:
            _require_folder()
            with _ending_in_order():
                return action()
        finally:
            sys.stdout.flush()  # here, so that a closed pipe raises inside of this try
    except M5KitError as error:
        return _refuse(f"{_speaker()}error: {_said(error)}")
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except _Terminated:
        sys.stderr.write("terminated\n")
        return TERMINATED
    except BrokenPipeError:  # the reader (head, less) has closed the pipe
        _abandon_output()
        return PIPE_CLOSED
    except OSError as error:
        if error.filename is None and remedy(error.errno) is None:
            raise  # where a file is named, it is one that the user gave; all else is a bug
        if error.filename is None:
            _abandon_output()  # it may be what is full
        return _refuse(f"error: {_sentence(error)}")
    except (MemoryError, ImportError, RuntimeError) as error:
        used_up = _used_up(error)
        if used_up is None:
            raise
        return _refuse(f"error: {used_up}")


def _require_folder() -> None:
    """See that the working directory is there: libraries of torch end the process without it, and not in our words.

    Raises:
        M5KitError: it was removed.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise M5KitError("the folder in which this command was started was removed; go to another (cd)") from None


class _Terminated(BaseException):
    """SIGTERM came; like an interrupt it passes all that handles errors, so that files written aside are removed."""


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM end a ``with`` block as Ctrl-C does; training and serving replace this by ways of their own."""

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends the process at once
        raise _Terminated

    # only the main thread may, and who started us may have chosen another way already
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _act(arguments: Sequence[str] | None) -> int:
    """Find the verb and run it."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    from m5kit.cli._once import saying_once  # here, as --help needs no logging

    with _allowing(plugins=not options.no_plugins), allowing(*_permissions(options)), saying_once():
        return int(options.run(options) or 0)


def _refuse(sentence: str) -> int:
    """Print an error; control characters in it, which may come from a stranger's file, are escaped."""
    sys.stderr.write(f"{printable(sentence)}\n")
    return MISTAKE


def _abandon_output() -> None:
    """Write to nowhere from here on: Python flushes once more at its end, which would raise again."""
    with suppress(io.UnsupportedOperation):  # a notebook's or a test's output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speaker() -> str:
    """Which of several processes speaks; nothing where there is one."""
    return f"rank {os.environ.get('RANK')}: " if os.environ.get("WORLD_SIZE", "1") != "1" else ""


_MEMORY = "the memory is used up; take fewer items at once, or fewer processes, or allow more (ulimit -v)"
_USED_UP = {
    "MemoryError": _MEMORY,
    "failed to map segment from shared object": _MEMORY,  # a library that is loaded
    "DefaultCPUAllocator": _MEMORY,
    "can't start new thread": "no further thread may be started; allow more (ulimit -u), or take fewer processes",
}
"""What the machine has no more of, by what Python, the system's loader or torch say of it."""


def _said(error: M5KitError) -> str:
    """What an error says; of a library that could not be loaded, what the machine has no more of."""
    cause = error.__cause__ if isinstance(error, MissingDependencyError) else None
    return _used_up(cause) or str(error)


def _used_up(error: BaseException | None) -> str | None:
    """What the machine has no more of; None if that is not what an error says."""
    return next((what for said, what in _USED_UP.items() if said in f"{type(error).__name__}: {error}"), None)


def _sentence(error: OSError) -> str:
    """What the machine refused, and of which file."""
    what = (error.strerror or str(error)).lower()
    to_do = remedy(error.errno)
    what += f"; {to_do}" if to_do else ""
    return what if error.filename is None else f"{error.filename}: {what}"


def _prepare_output() -> None:
    """Escape characters that the terminal's encoding lacks; names of files and items may hold any."""
    if sys.stdout is None:  # closed by whoever started the process
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does from the start


@contextmanager
def _allowing(plugins: bool) -> Iterator[None]:
    """Disable plugins inside a ``with`` block unless they are allowed, also in processes started in it."""
    before = os.environ.get(ALLOW_VARIABLE)
    if not plugins:
        os.environ[ALLOW_VARIABLE] = ""
    try:
        yield
    finally:
        os.environ.pop(ALLOW_VARIABLE, None)
        if before is not None:
            os.environ[ALLOW_VARIABLE] = before


def _permissions(options: argparse.Namespace) -> Iterator[str]:
    """What the options of a verb allow a run folder; see ``add_permissions``."""
    if getattr(options, "allow_local_plugins", False):
        yield LOCAL_PLUGINS
    if getattr(options, "follow_links", False):
        yield FOLLOW_LINKS


def _parser() -> argparse.ArgumentParser:
    """The parser of the command line with all verbs."""
    parser = Parser(prog="m5kit", description="Multimodal pretraining over items of which any modality may be missing.")
    parser.add_argument("--version", action="version", version=f"m5kit {__version__}")
    parser.add_argument("--no-plugins", action="store_true", help="use built-in parts only (write it before the verb)")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for module in _verb_modules():
        module.add_parser(verbs)
    return parser


def _verb_modules() -> Iterator[ModuleType]:
    """The modules of this package that offer a verb; they import heavy libraries only when a verb runs."""
    package = __name__.rpartition(".")[0]
    for found in pkgutil.iter_modules(import_module(package).__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{package}.{found.name}")
        if hasattr(module, "add_parser"):
            yield module
