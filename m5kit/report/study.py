"""The tables of a study: JSON data as :func:`m5kit.ablation.analysis.analyse` gives them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from m5kit.report.tables import Table

Study = Mapping[str, Any]

NUMBERS = (
    *("variant", "sees", "figure", "seeds", "mean", "low", "high", "chance"),
    *("difference", "difference_low", "difference_high", "pairs", "p", "p_holm"),
    *("seconds", "memory_bytes", "parameters"),
)
"""The columns of ``report.csv``."""

_MIB = 2**20


def tables(study: Study) -> list[Table]:
    """Those that have rows: figures, differences, what damage leaves, cost, failed trials."""
    every = (_quality(study), _differences(study), _damage(study), _cost(study), _failed(study))
    return [table for table in every if table.rows]


def progress(study: Study) -> str:
    """How far it is, in a sentence.

    Example:
        >>> progress({"progress": {"done": 14, "failed": 1, "left": 0}})
        '14 runs done, 1 failed.'
        >>> progress({"progress": {"done": 1, "failed": 0, "left": 9}})
        '1 run done, 9 to go.'
    """
    count = study["progress"]
    text = f"{count['done']} run{'' if count['done'] == 1 else 's'} done"
    text += f", {count['failed']} failed" if count["failed"] else ""
    return f"{text}, {count['left']} to go." if count["left"] else f"{text}."


def numbers(study: Study) -> Iterator[list[object]]:
    """The rows of ``report.csv``: all figures with all their digits."""
    for row in study["rows"]:
        cost = row["cost"] or {"seconds": {"mean": None}, "memory": None, "parameters": None}
        for name in study["figures"]:
            figure = row["figures"][name]
            difference = figure["difference"] or dict.fromkeys(("mean", "low", "high", "pairs", "p", "holm"))
            yield [
                *(row["variant"], row["view"], name, len(figure["values"])),
                *(figure[key] for key in ("mean", "low", "high", "chance")),
                *(difference[key] for key in ("mean", "low", "high", "pairs", "p", "holm")),
                *(cost["seconds"]["mean"], cost["memory"], cost["parameters"]),
            ]


def seeds(study: Study) -> tuple[Sequence[str], list[list[object]]]:
    """Headings and rows of ``runs.csv``: every figure of every run."""
    rows = [
        [row["variant"], row["view"], seed, *(row["figures"][name]["values"].get(str(seed)) for name in names), run]
        for names in [study["figures"]]
        for row in study["rows"]
        for seed, run in zip(row["seeds"], row["runs"], strict=True)
    ]
    return ["variant", "sees", "seed", *study["figures"], "run"], rows


def listed(study: Study) -> list[Mapping[str, Any]]:
    """The rows that tables list: views only where they are few; many are a picture, and in ``report.csv``."""
    return [row for row in study["rows"] if study["views_compared"] or not row["view"]]


def row_name(row: Mapping[str, Any]) -> str:
    """Variant and what it sees."""
    return f"{row['variant']}, sees {row['view']}" if row["view"] else str(row["variant"])


def damage_name(damaged: Mapping[str, Any]) -> str:
    """Task and kind of damage; once if they are called the same."""
    task, kind = damaged["task"], damaged["kind"]
    return str(task) if task == kind else f"{task}: {kind}"


def _quality(study: Study) -> Table:
    names = study["figures"]
    rows = [
        [row_name(row), str(len(row["seeds"])), *(_estimate(row["figures"][name], 3) for name in names)]
        for row in listed(study)
    ]
    chances = [
        next((c for row in study["rows"] if (c := row["figures"][n]["chance"]) is not None), None) for n in names
    ]
    if rows and any(chance is not None for chance in chances):
        rows.append(["(chance)", "", *("" if chance is None else f"{chance:.3f}" for chance in chances)])
    how = "Student-t" if study["interval"] == "student" else "percentile bootstrap"
    note = f"Mean over seeds and its {study['confidence']:.0%} {how} interval."
    return Table("Figures", ["", "seeds", *names], rows, note)


def _differences(study: Study) -> Table:
    rows = [
        [
            row_name(row),
            name,
            str(difference["pairs"]),
            _number(difference["mean"], 3, sign=True),
            _ends(difference, 3, sign=True),
            _p(difference["p"]),
            _p(difference["holm"]),
        ]
        for name in study["figures"]
        for row in study["rows"]
        if (difference := row["figures"][name]["difference"])
    ]
    headings = ["", "figure", "pairs", "difference", f"{study['confidence']:.0%} interval", "p", "p (Holm)"]
    return Table(f"Differences from {study['reference']}", headings, rows, _difference_note(study), words=2)


def _difference_note(study: Study) -> str:
    pairs = [d["pairs"] for row in study["rows"] for f in row["figures"].values() if (d := f["difference"])]
    text = "Runs with the same seed are pairs. p is two-sided, of the paired "
    if study["test"] == "t":
        text += "t-test"
    else:
        least = f"; with {max(pairs)} of them it is at least {_p(2 / 2 ** max(pairs))}" if pairs else ""
        text += f"permutation test{least}"
    seen = study["views_compared"] and any(row["view"] for row in study["rows"])
    partly = f" {study['reference']} seen in part is compared with itself seen whole." if seen else ""
    return f"{text}. Holm's correction is over the rows, for each figure.{partly}"


def _damage(study: Study) -> Table:
    rows = [row for row in study["rows"] if any(damaged["relative"]["mean"] is not None for damaged in row["damaged"])]
    headings = [f"{damage_name(d)}, {d['figure']}" for row in rows[:1] for d in row["damaged"]]
    cells = [[row_name(row), *(_estimate(d["relative"], 3) for d in row["damaged"])] for row in rows]
    note = (
        "The mean of a figure over the strengths of damage above 0, divided by the figure of clean items: 1 if "
        "nothing is lost. Mean over seeds and its interval."
    )
    return Table("What is left as items are damaged", ["", *headings], cells, note)


def _cost(study: Study) -> Table:
    rows = [
        [row_name(row), _estimate(cost["seconds"], 1), _scaled(cost["memory"], _MIB), _scaled(cost["parameters"], 1)]
        for row in study["rows"]
        if (cost := row["cost"]) and any((cost["seconds"]["mean"], cost["memory"], cost["parameters"]))
    ]
    note = (
        "Seconds of a run, its training and evaluation: mean, least and most. "
        "Memory is the most that one of its processes held in RAM. "
        "Parameters are the numbers in its last checkpoint."
    )
    return Table("Cost", ["", "seconds", "memory (MiB)", "parameters"], rows, note)


def _failed(study: Study) -> Table:
    rows = [
        [failure["variant"], str(failure["seed"]), failure["reason"], failure["log"]] for failure in study["failed"]
    ]
    return Table("Failed", ["", "seed", "reason", "log"], rows, words=4)


def _estimate(interval: Mapping[str, float | None], digits: int) -> str:
    ends = _ends(interval, digits)
    return f"{_number(interval['mean'], digits)} ({ends})" if ends else _number(interval["mean"], digits)


def _ends(interval: Mapping[str, float | None], digits: int, sign: bool = False) -> str:
    if interval["low"] is None:
        return ""
    return f"{_number(interval['low'], digits, sign)} to {_number(interval['high'], digits, sign)}"


def _number(value: float | None, digits: int, sign: bool = False) -> str:
    if value is None:
        return ""
    return f"{value:{'+' if sign else ''}.{digits}f}"


def _scaled(value: float | None, unit: int) -> str:
    return "" if value is None else f"{value / unit:,.0f}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
