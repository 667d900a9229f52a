"""``m5kit VERB ...``: finds the verb, runs it, and turns errors into messages."""

import argparse
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
ALLOW_VARIABLE = "M5KIT_PLUGINS"  # as m5kit.plugins has it, whose import would slow --help down


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: what follows ``m5kit`` on the command line; None takes the process's own.

    Returns:
        The exit status: 0, the verb's own, 2 for something the user can mend, 130 when interrupted.
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
        sys.stdout.flush()
    except M5KitError as error:
        sys.stderr.write(f"error: {error}\n")
        return MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has seen enough; Python must not flush into it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return status


def _escape_what_cannot_be_printed() -> None:
    """Names of files and items may hold what the terminal's encoding has not, as half a surrogate pair."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does from the start


@contextmanager
def _allowing(plugins: bool) -> Iterator[None]:
    """Keep plugins out for the length of a ``with`` block, also in processes that are started in it."""
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
    parser = argparse.ArgumentParser(
        prog="m5kit", description="Multimodal pretraining over items of which any modality may be missing."
    )
    parser.add_argument("--version", action="version", version=f"m5kit {__version__}")
    parser.add_argument("--no-plugins", action="store_true", help="use built-in parts only (before the verb)")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for module in _verb_modules():
        module.add_parser(verbs)
    return parser


def _verb_modules() -> Iterator[ModuleType]:
    """The modules of this package that offer a verb; their heavy imports wait inside the functions that run."""
    package = __name__.rpartition(".")[0]
    for found in pkgutil.iter_modules(import_module(package).__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{package}.{found.name}")
        if hasattr(module, "add_parser"):
            yield module
