"""The table of what the runs of a study were made of: data, test items, steps, seeds, versions."""

from collections.abc import Iterable

from m5kit.report.tables import Table
from m5kit.runs.study import Study, StudyRow


def origin_table(study: Study) -> Table:
    """One row a variant; a note lists the versions, and names those that differ between runs."""
    rows = []
    for row in study.whole_rows:
        data, steps, versions = [], [], False
        for origin in row.origins:
            data.append(origin.data)
            steps.append(origin.steps)
            versions = versions or bool(origin.versions)
        if not (any(data) or any(steps) or versions):
            continue  # run folders of an older version tell nothing
        seeds = ", ".join(map(str, row.seeds))
        rows.append([row.variant, _each_once(data), _each_once(steps), seeds, _test_items(study, row)])
    headings = ["", "data", "steps", "seeds", "test items"]
    return Table("Runs", headings, rows, _versions(study), words=2)


def _test_items(study: Study, row: StudyRow) -> str:
    """Items or queries that each metric was made of; one number where all metrics have the same."""
    known = []
    for name in study.metrics:
        counts = row.metrics[name].counts.values()
        if counts:
            known.append(_each_once(map(str, counts)))
    return known[0] if len(set(known)) == 1 else ", ".join(known)


def _versions(study: Study) -> str:
    found: dict[str, list[str]] = {}
    for row in study.whole_rows:
        for origin in row.origins:
            for name, version in origin.versions.items():
                found.setdefault(name, []).append(version)
    texts, several = [], []
    for name, versions in found.items():
        texts.append(f"{name} {_each_once(versions, ' or ')}")
        if len(set(versions)) > 1:
            several.append(name)
    note = f"Made with {', '.join(texts)}." if texts else ""
    if several:
        note += f" Not all runs have the same {', '.join(several)}: differences may come from that."
    return note


def _each_once(texts: Iterable[str], between: str = "; ") -> str:
    # a dict and not a set: in the order of the runs, the same on every machine
    return between.join(dict.fromkeys(filter(None, texts)))
