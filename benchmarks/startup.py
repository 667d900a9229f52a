"""What the commands cost before they do anything: processor seconds beyond those of importing torch.

Each command runs in processes of its own, in turns with ``import torch``. The demo set of the training is made up.

Run: OMP_NUM_THREADS=1 python benchmarks/startup.py [--rounds 5]
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from _arguments import at_least
from _measure import of_a_process, spread

TORCH = ["-c", "import torch"]
GOALS = {"config check demo/scale": 0.6, "data stats, three rows": -0.5, "train demo/scale, one step": 1.5}
"""At most so many seconds; statistics need no torch at all."""
STEP = ["schedule.max_steps=1", "data.workers=0"]
STOP = """
import sys, os
from m5kit.cli import train
train._evaluate = lambda *_: None
from m5kit.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""Trains and stops: what an evaluation costs is not what a start costs."""


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(2), default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), options.rounds)
    torch = measured.pop("import torch")
    base, noise = statistics.median(torch), spread(torch)
    print(f"import torch: {base:.2f} s, noise {noise:.2f} s\n\n| command | seconds beyond | at most | holds |")
    print("|:--|--:|--:|:--|")
    for name, seconds in measured.items():
        beyond, doubt = statistics.median(seconds) - base, noise + spread(seconds)
        holds = "undecided" if abs(beyond - GOALS[name]) <= doubt else "yes" if beyond <= GOALS[name] else "no"
        print(f"| {name} | {beyond:.2f} | {GOALS[name]:.1f} | {holds} |")


def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of every command, by its name."""
    rows = [{"id": str(number), "split": "train", "text": "a red mug"} for number in range(3)]
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)))
    of_a_process(["-m", "m5kit", "data", "make-demo", str(folder / "demo"), "--items", "60", "--workers", "1"])
    checks = ["-m", "m5kit", "config", "check", "demo/scale"]
    counts = ["-m", "m5kit", "data", "stats", str(folder)]
    commands = dict(zip(GOALS, [checks, counts, None], strict=True))
    seconds: dict[str, list[float]] = {"import torch": [], **{name: [] for name in GOALS}}
    of_a_process(TORCH)
    for number in range(rounds):
        for name, command in commands.items():
            seconds["import torch"].append(of_a_process(TORCH))
            seconds[name].append(of_a_process(command or training(folder, number)))
    return seconds


def training(folder: Path, number: int) -> list[str]:
    """A training of one step in a folder of its own."""
    given = ["train", "demo/scale", "--data", str(folder / "demo"), "--run-dir", str(folder / f"run-{number}")]
    for setting in STEP:
        given += ["--set", setting]
    return ["-c", STOP, *given]


if __name__ == "__main__":
    main()
