"""What many installed plugins cost: `m5kit --help`, finding parts, and a config that names none of them.

Writes distributions into a temporary folder, as pip would leave them, and measures with none and with all of them, turn
by turn, in processes of their own; the median counts. Fails if a plugin that nobody named was imported.

Run: python benchmarks/plugins.py [--count 200] [--repeats 9]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from _arguments import at_least

FAMILIES = (
    *("encoders", "fusions", "harmonizers", "balancers", "tasks", "heads", "metrics"),
    *("decoders", "transforms", "datasets", "exporters", "hooks"),
)
DISCOVER = """
import time
from m5kit import plugins
start = time.perf_counter()
count = sum(map(len, plugins.discover().values()))
print(time.perf_counter() - start)
"""
COMMANDS = {
    "m5kit --help": ["-m", "m5kit", "--help"],
    "m5kit list": ["-m", "m5kit", "list"],
    "m5kit config show demo/scale": ["-m", "m5kit", "config", "show", "demo/scale"],
}


def write_plugins(site: Path, count: int) -> None:
    """Distributions of one module and two parts each; a module that is imported leaves a file behind."""
    for number in range(count):
        name, family = f"m5kit_many_{number:03}", FAMILIES[number % len(FAMILIES)]
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n"
        (info / "METADATA").write_text(head + "Classifier: Topic :: Many\n" * 20 + "\n" + "About it.\n" * 200)
        entries = "\n".join(f"part_{number}_{i} = {name}:Part" for i in range(2))
        (info / "entry_points.txt").write_text(f"[m5kit.v1.{family}]\n{entries}\n")
        leave_a_file = 'import pathlib\npathlib.Path(__file__).with_suffix(".imported").touch()\n'
        (site / f"{name}.py").write_text(f'{leave_a_file}\n\nclass Part:\n    """Part {number}."""\n')


def seconds(command: list[str], environment: Mapping[str, str]) -> float:
    """Wall time of a process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def discovery_seconds(environment: Mapping[str, str]) -> float:
    """Time of the first discovery within a fresh process."""
    done = subprocess.run([sys.executable, "-c", DISCOVER], env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=at_least(1), default=200)
    parser.add_argument("--repeats", type=at_least(1), default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        write_plugins(site, options.count)
        arms = {"none": {**os.environ, "PYTHONPATH": ""}, str(options.count): {**os.environ, "PYTHONPATH": folder}}
        print(f"{'median of ' + str(options.repeats):32}" + "".join(f"{arm + ' plugins':>16}" for arm in arms))
        for label, command in COMMANDS.items():
            report(label, {arm: (lambda e=e, c=command: seconds(c, e)) for arm, e in arms.items()}, options.repeats)
        report("plugins.discover()", {a: (lambda e=e: discovery_seconds(e)) for a, e in arms.items()}, options.repeats)
        imported = sorted(path.stem for path in site.glob("*.imported"))
        if imported:
            sys.exit(f"imported without being named: {', '.join(imported)}")
        print("no plugin was imported")


def report(label: str, arms: Mapping[str, object], repeats: int) -> None:
    """One line: the median of each arm, measured turn by turn."""
    taken: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(repeats):
        for arm, measure in arms.items():
            taken[arm].append(measure())  # type: ignore[operator]
    print(f"{label:32}" + "".join(f"{1000 * statistics.median(times):13.1f} ms" for times in taken.values()))


if __name__ == "__main__":
    main()
