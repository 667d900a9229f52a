"""The tables of studies in docs/results-history.md: one row a variant, from the study.json of finished sweeps.

Run: python benchmarks/studies.py sweeps/fusion sweeps/harmonizer ...
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from m5kit.runs.study import Interval, Study
from m5kit.runs.sweep_folder import SweepFolder


def table(study: Study) -> Iterator[str]:
    """Mean and interval of every metric, and the difference from the reference in the first, as Markdown."""
    names, first = study.metrics, study.metrics[0]
    heads = ["", *names, f"difference in {first}", "p (Holm)", "seconds"]
    yield "| " + " | ".join(heads) + " |"
    yield "|:--|" + "--:|" * (len(heads) - 1)
    rows = study.whole_rows
    for row in rows:
        difference = row.metrics[first].difference
        cells = [row.variant, *(interval(row.metrics[name]) for name in names)]
        cells += [interval(difference, sign=True), p_value(difference.holm)] if difference else ["reference", ""]
        seconds = row.cost.seconds.mean if row.cost else None
        yield "| " + " | ".join([*cells, "" if seconds is None else f"{seconds:.0f}"]) + " |"
    chances = [rows[0].metrics[name].chance if rows else None for name in names]
    yield "| (chance) | " + " | ".join("" if c is None else f"{c:.3f}" for c in chances) + " | | | |"


def interval(found: Interval, sign: bool = False) -> str:
    """Mean, and the ends of its interval."""
    form = "{:+.3f}" if sign else "{:.3f}"
    mean = "" if found.mean is None else form.format(found.mean)
    if found.low is None or found.high is None:
        return mean
    return f"{mean} [{form.format(found.low)}, {form.format(found.high)}]"


def p_value(p: float | None) -> str:
    """As people write it."""
    return "" if p is None else f"{p:.3f}"


def main() -> None:
    """Print every table below its study's name and sentence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweeps", nargs="+", type=Path, metavar="SWEEP", help="folder of a sweep")
    for folder in parser.parse_args().sweeps:
        study = Study.read(SweepFolder(folder).study)
        seeds = max((len(row.seeds) for row in study.rows), default=0)
        left, failed = study.progress.left, study.progress.failed
        unfinished = f" **{left} runs left, {failed} failed.**" if left or failed else ""
        print(f"### {study.title}\n\n{study.about} {seeds} seeds.{unfinished}\n", *table(study), "", sep="\n")


if __name__ == "__main__":
    main()
