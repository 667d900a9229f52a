"""``python -m m5kit.cli._run_benchmark FILE ...``: runs a benchmark, whose errors are printed as those of a verb."""

import runpy
import subprocess
import sys
from pathlib import Path

from m5kit.cli.main import in_sentences
from m5kit.errors import M5KitError


def run(path: Path) -> int:
    """Run a benchmark as Python runs a script; what follows FILE on the command line are its arguments.

    Raises:
        M5KitError: a library that it compares with is not installed, or a process that it started failed.
    """
    del sys.argv[1]
    sys.path[0] = str(path.parent)  # where it finds the modules that benchmarks share
    try:
        runpy.run_path(str(path), run_name="__main__")
    except ModuleNotFoundError as error:
        library = (error.name or "m5kit").partition(".")[0]
        if library == "m5kit" or (path.parent / f"{library}.py").exists():
            raise  # a mistake of ours
        raise M5KitError(
            f"the benchmark {path.stem} needs the library {library!r}, which is not installed; install it with pip"
        ) from None
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stderr or "")  # what it said, where that was not printed before
        raise M5KitError(f"a process of the benchmark {path.stem} failed with status {error.returncode}") from None
    return 0


if __name__ == "__main__":
    raise SystemExit(in_sentences(lambda: run(Path(sys.argv[1]).resolve())))
