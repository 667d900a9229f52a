"""The tables of a study."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from m5kit.report.factor_tables import factor_tables
from m5kit.report.origin_table import origin_table
from m5kit.report.tables import Table, without_empty_columns
from m5kit.runs.study import CorruptionCurve, Cost, Difference, FailedRun, Interval, Study, StudyRow

NUMBERS = (
    *("variant", "sees", "figure", "seeds", "mean", "low", "high", "chance"),
    *("difference", "difference_low", "difference_high", "pairs", "p", "p_holm"),
    *("seconds", "memory_bytes", "parameters"),
)
"""The columns of ``report.csv``; the names are those of its first version."""

_COST_NOTES = {
    "seconds": "Seconds of a run, its training and evaluation: mean, least and most.",
    "memory (MiB)": "Memory is the most that one of its processes held in RAM.",
    "parameters": "Parameters are those of the model, shared ones counted once.",
}
"""The columns of the table of costs, and what each means."""

_MIB = 2**20


def tables(study: Study) -> list[Table]:
    """Those that have rows: results, differences, what is retained under corruption, cost, origin, failed trials."""
    every = (
        *(_results(study), _differences(study)),
        *(factor_tables(study.factors) if study.factors else ()),
        *(_corruption(study), _cost(study)),
        *(origin_table(study), _failed(study)),
    )
    # an empty table would be a heading without anything below it
    return [without_empty_columns(table) for table in every if table.rows]


def progress(study: Study) -> str:
    """How far it is, in a sentence.

    Example:
        >>> from m5kit.runs.study import StudyProgress
        >>> progress(Study(title="", metrics=(), progress=StudyProgress(done=14, failed=1)))
        '14 runs done, 1 failed.'
        >>> progress(Study(title="", metrics=(), progress=StudyProgress(done=1, left=9)))
        '1 run done, 9 to go.'
    """
    count = study.progress
    text = f"{count.done} run{'' if count.done == 1 else 's'} done"
    if count.failed:
        text += f", {count.failed} failed"
    return f"{text}, {count.left} to go." if count.left else f"{text}."


def numbers(study: Study) -> Iterator[list[object]]:
    """The rows of ``report.csv``: all estimates with all their digits."""
    for row in study.rows:
        cost = row.cost or Cost(seconds=Interval())
        for name in study.metrics:
            found = row.metrics[name]
            difference = found.difference or Difference(pairs=0)
            yield [
                *(row.variant, row.subset, name, len(found.values)),
                *(found.mean, found.low, found.high, found.chance),
                # no pairs is an empty field: a 0 would look like a test that was made
                *(difference.mean, difference.low, difference.high, difference.pairs or None),
                *(difference.p, difference.holm),
                *(cost.seconds.mean, cost.memory, cost.parameters),
            ]


def seeds(study: Study) -> tuple[Sequence[str], list[list[object]]]:
    """Headings and rows of ``runs.csv``: every metric value of every run."""
    rows: list[list[object]] = []
    for row in study.rows:
        for seed, run in zip(row.seeds, row.runs, strict=True):
            values = [row.metrics[name].values.get(seed) for name in study.metrics]
            rows.append([row.variant, row.subset, seed, *values, run])
    return ["variant", "sees", "seed", *study.metrics, "run"], rows


def listed(study: Study) -> list[StudyRow]:
    """The rows that tables list: subsets only where they are few; many are a picture, and in ``report.csv``."""
    return [row for row in study.rows if study.subsets_compared or not row.subset]


def row_name(row: StudyRow) -> str:
    """Variant and the modalities that it sees."""
    return f"{row.variant}, sees {row.subset}" if row.subset else row.variant


def corruption_name(corrupted: CorruptionCurve) -> str:
    """Task and kind of corruption; once if they have the same name."""
    return corrupted.task if corrupted.task == corrupted.kind else f"{corrupted.task}: {corrupted.kind}"


def _results(study: Study) -> Table:
    rows = []
    for row in listed(study):
        estimates = [_estimate(row.metrics[name], 3) for name in study.metrics]
        rows.append([row_name(row), str(len(row.seeds)), *estimates])
    chances = [_chance(study, name) for name in study.metrics]
    if rows and any(chances):
        rows.append(["(chance)", "", *chances])
    how = "Student-t" if study.interval == "student" else "percentile bootstrap"
    note = f"Mean over seeds and its {study.confidence:.0%} {how} interval."
    if " to " in "".join(chances):
        note += " The chance level differs between rows, as they search among different items; report.csv has each."
    return Table("Results", ["", "seeds", *study.metrics], rows, note)


def _chance(study: Study, name: str) -> str:
    """The chance level of the rows that are listed; its range where they have different ones."""
    known = []
    for row in listed(study):
        level = row.metrics[name].chance
        if level is not None:
            known.append(level)
    if not known:
        return ""
    # compared as they are shown: a difference that nobody can see is no range
    least, most = _number(min(known), 3), _number(max(known), 3)
    return least if least == most else f"{least} to {most}"


def _differences(study: Study) -> Table:
    rows = []
    for name in study.metrics:
        for row in study.rows:
            difference = row.metrics[name].difference
            if difference is not None:
                rows.append([row_name(row), name, *_difference_cells(difference)])
    headings = ["", "metric", "pairs", "difference", f"{study.confidence:.0%} interval", "p", "p (Holm)"]
    return Table(f"Differences from {study.reference}", headings, rows, _difference_note(study), words=2)


def _difference_cells(difference: Difference) -> list[str]:
    cells = [str(difference.pairs), _number(difference.mean, 3, sign=True), _ends(difference, 3, sign=True)]
    if difference.pairs < 2:  # the p of one pair is 1 whatever it shows
        return [*cells, "", ""]
    return [*cells, _p(difference.p), _p(difference.holm)]


def _difference_note(study: Study) -> str:
    text = f"Runs with the same seed are pairs. {_about_p(study)}"
    if study.subsets_compared and len(study.whole_rows) < len(study.rows):
        text += f" A subset of {study.reference} is compared with {study.reference} with all its modalities."
    return text


def _about_p(study: Study) -> str:
    pairs = _most_pairs(study)
    if pairs < 2:
        return "One pair says nothing about other seeds: train two seeds or more for intervals and tests."
    text = "p is two-sided, of the paired "
    if study.test == "t":
        text += "t-test"
    else:
        # 2**n ways to swap the members of n pairs, and each way has a mirror image that is as extreme
        text += f"permutation test; with {pairs} of them it is at least {_p(2 / 2**pairs)}"
    return f"{text}. Holm's correction is over the rows, for each metric."


def _most_pairs(study: Study) -> int:
    most = 0
    for row in study.rows:
        for found in row.metrics.values():
            most = max(most, found.difference.pairs if found.difference else 0)
    return most


def _corruption(study: Study) -> Table:
    headings, cells = [""], []
    for row in study.rows:
        retained = list(map(_retained, row.corrupted))
        if any(retained):
            cells.append([row_name(row), *retained])
            # all rows of a study have the same corruptions
            headings = ["", *map(_retained_heading, row.corrupted)]
    note = (
        "Mean of the metric over the corruption strengths above 0, divided by its value on clean items: 1 if nothing "
        "is lost. Mean over seeds and its interval."
    )
    return Table("Retained under corruption", headings, cells, note)


def _retained_heading(corrupted: CorruptionCurve) -> str:
    return f"{corruption_name(corrupted)}, {corrupted.metric}"


def _retained(corrupted: CorruptionCurve) -> str:
    return _estimate(corrupted.relative, 3)


def _cost(study: Study) -> Table:
    rows = []
    for row in study.rows:
        cost = row.cost
        if cost and any((cost.seconds.mean, cost.memory, cost.parameters)):
            memory, parameters = _scaled(cost.memory, _MIB), _scaled(cost.parameters, 1)
            rows.append([row_name(row), _estimate(cost.seconds, 1), memory, parameters])
    table = without_empty_columns(Table("Cost", ["", *_COST_NOTES], rows))
    return replace(table, note=" ".join(_COST_NOTES[heading] for heading in table.headings[1:]))


def _failed(study: Study) -> Table:
    return Table("Failed", ["", "seed", "reason", "log"], list(map(_failed_row, study.failed)), words=4)


def _failed_row(failed: FailedRun) -> list[str]:
    return [failed.variant, str(failed.seed), failed.reason or "", failed.log]


def _estimate(interval: Interval, digits: int) -> str:
    ends = _ends(interval, digits)
    return f"{_number(interval.mean, digits)} ({ends})" if ends else _number(interval.mean, digits)


def _ends(interval: Interval, digits: int, sign: bool = False) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"{_number(interval.low, digits, sign)} to {_number(interval.high, digits, sign)}"


def _number(value: float | None, digits: int, sign: bool = False) -> str:
    if value is None:
        return ""
    rounded = round(value, digits) + 0.0  # adding 0 turns -0.0, which would be shown as "-0.000", into 0.0
    return f"{rounded:{'+' if sign else ''}.{digits}f}"


def _scaled(value: float | None, unit: int) -> str:
    return "" if value is None else f"{value / unit:,.0f}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
