"""``m5kit VERB ...``: finds the verb, runs it, and prints errors as messages."""

import argparse
import errno
import io
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from m5kit import __version__
from m5kit.errors import M5KitError

MISTAKE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
"""A full disk and a file that may not be read or written: the message of the system says all there is to say."""
ALLOW_VARIABLE = "M5KIT_PLUGINS"  # repeated here: importing m5kit.plugins would slow --help down


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: those after ``m5kit`` on the command line; None for those of the process.

    Returns:
        The exit status: 0, that of the verb, 2 for an error that the user can fix, 130 if interrupted.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    _escape_what_cannot_be_printed()
    try:
        with _allowing(plugins=not options.no_plugins):
            status = int(options.run(options) or 0)
        # here, so that a closed pipe raises inside of this try
        sys.stdout.flush()
    except M5KitError as error:
        sys.stderr.write(f"{_speaker()}error: {error}\n")
        return MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has closed the pipe; Python must not flush into it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        sys.stderr.write(f"error: {error}\n")
        return MISTAKE
    return status


def _speaker() -> str:
    """Which of several processes speaks; nothing where there is one."""
    return f"rank {os.environ.get('RANK')}: " if os.environ.get("WORLD_SIZE", "1") != "1" else ""


def _escape_what_cannot_be_printed() -> None:
    """Escape characters that the terminal's encoding lacks; names of files and items may hold any."""
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


def _parser() -> argparse.ArgumentParser:
    """The parser of the command line with all verbs."""
    parser = argparse.ArgumentParser(
        prog="m5kit", description="Multimodal pretraining over items of which any modality may be missing."
    )
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
