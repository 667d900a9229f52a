r"""One Markdown table of several groups of runs: mean and 95 % interval over seeds of chosen figures.

Run: python benchmarks/seeds.py --figure coarse/map_std@10 --figure classification/accuracy \
         "five modalities=runs/scale-0,runs/scale-1,runs/scale-2" "image and text=runs/it-0/results.json,..."

A member of a group is a run folder or a JSON file that ``m5kit evaluate --json`` wrote. The interval is Student's t
over the members; a group of one shows its bootstrap interval over items instead, in brackets.
"""

import argparse
import statistics
from pathlib import Path

from scipy import stats

from m5kit.errors import M5KitError
from m5kit.runs.json import read_json


def load(member: str) -> dict:
    """The figures of a run folder or of a JSON file, by ``task/figure``."""
    path = Path(member)
    found = read_json(path / "results.json" if path.is_dir() else path).get("results")
    if not isinstance(found, dict) or not all(isinstance(figures, dict) for figures in found.values()):
        raise M5KitError(f"{path} holds no results; name a run folder or what m5kit evaluate --json wrote")
    return {f"{task}/{name}": figure for task, figures in found.items() for name, figure in figures.items()}


def members(group: str, wanted: list[str]) -> tuple[str, list[dict]]:
    """The name of a group, and the figures of each of its members, which have all that are wanted."""
    name, _, places = group.partition("=")
    if not name or not places:
        raise M5KitError(f"expected NAME=RUN,RUN with at least one run, got {group!r}")
    loaded = {place: load(place) for place in places.split(",")}
    for place, figures in loaded.items():
        for figure in wanted:
            if figure not in figures:
                raise M5KitError(f"{place} has no figure {figure}; it has: {', '.join(figures) or 'none'}")
    return name, list(loaded.values())


def cell(figures: list[dict]) -> str:
    """Mean ± half of the 95 % interval."""
    values = [figure["value"] for figure in figures]
    if len(values) == 1:
        low, high = figures[0]["low"], figures[0]["high"]
        return f"{values[0]:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.3f} ± {half:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", action="append", required=True, metavar="TASK/FIGURE")
    parser.add_argument("groups", nargs="+", metavar="NAME=RUN,RUN")
    arguments = parser.parse_args()
    groups = [members(group, arguments.figure) for group in arguments.groups]
    print("| | " + " | ".join(arguments.figure) + " |")
    print("|---" * (len(arguments.figure) + 1) + "|")
    for name, loaded in groups:
        print(f"| {name} | " + " | ".join(cell([m[figure] for m in loaded]) for figure in arguments.figure) + " |")
    chances = [loaded[0][figure]["chance"] for figure in arguments.figure]
    print("| chance | " + " | ".join("" if chance is None else f"{chance:.3f}" for chance in chances) + " |")


if __name__ == "__main__":
    main()
