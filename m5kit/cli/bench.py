"""``m5kit bench [NAME]``: lists the benchmarks of a checkout, or runs one of them."""

import argparse
import ast
import resource
import subprocess
import sys
from pathlib import Path

from m5kit.cli.options import Verbs
from m5kit.cli.output import write, write_json, write_table
from m5kit.errors import M5KitError

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
"""Benchmarks are no part of the installed package: they need data, time and other libraries to compare with."""


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("bench", help="list or run the benchmarks of a checkout", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the benchmark to run (default: list them)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="the benchmark's own arguments")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the benchmarks, or run one with its arguments and say how much processor time it took."""
    found = benchmarks(FOLDER)
    if options.name is None:
        _list(found, options.json)
        return 0
    if options.name not in found:
        raise M5KitError(f"there is no benchmark {options.name!r}; there are: {', '.join(found)}")
    # argparse leaves everything after NAME to the benchmark, and --json may stand there too
    arguments = [argument for argument in options.arguments if argument != "--json"]
    return _run(found[options.name], arguments, options.json or "--json" in options.arguments)


def benchmarks(folder: Path) -> dict[str, Path]:
    """The benchmarks of a folder by name; files that begin with an underscore are shared by several of them.

    Raises:
        M5KitError: there are none, because m5kit does not run from a checkout.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}
    if not found:
        raise M5KitError(
            f"there are no benchmarks in {folder}; they come with the sources, not with the installed package: "
            "clone the repository and install it with pip install -e ."
        )
    return found


def _list(found: dict[str, Path], as_json: bool) -> None:
    """Names and first lines of the docstrings, which are read without importing anything."""
    summaries = {}
    for name, path in found.items():
        docstring = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        summaries[name] = docstring.partition("\n")[0]
    if as_json:
        write_json(summaries)
    else:
        write_table(["benchmark", "what it measures"], list(summaries.items()))


def _run(path: Path, arguments: list[str], as_json: bool) -> int:
    """Run a benchmark in a process of its own; its status."""
    done = subprocess.run(
        [sys.executable, "-m", "m5kit.cli._run_benchmark", str(path), *arguments],
        stdout=subprocess.PIPE if as_json else None,
        text=True,
        errors="replace",
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = round(used.ru_utime + used.ru_stime, 2)
    if as_json:
        report = {"benchmark": path.stem, "status": done.returncode, "processor_seconds": seconds}
        write_json({**report, "output": done.stdout.splitlines()})
    elif done.returncode == 0:
        write(f"\n{path.stem} took {seconds} s of processor time")
    return done.returncode
