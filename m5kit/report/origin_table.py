"""The table of what the runs of a study were made of: data, test items, steps, seeds, versions."""

from collections.abc import Iterable, Sequence

from m5kit.report.tables import Table
from m5kit.runs.study import Study, StudyRow


def origin_table(study: Study) -> Table:
    """One row a variant; a note lists the versions, and names those that differ between runs."""
    rows = []
    for row in study.whole_rows:
        if not any(origin.data or origin.steps or origin.versions for origin in row.origins):
            continue  # run folders of an older version tell nothing
        seeds = ", ".join(map(str, row.seeds))
        steps = _each_once(origin.steps for origin in row.origins)
        data = _each_once(origin.data for origin in row.origins)
        rows.append([row.variant, data, steps, seeds, _test_items(study, row)])
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
    texts = [f"{name} {_each_once(versions, ' or ')}" for name, versions in found.items()]
    several = [name for name, versions in found.items() if len(set(versions)) > 1]
    note = f"Made with {', '.join(texts)}." if texts else ""
    if several:
        note += f" Not all runs have the same {', '.join(several)}: differences may come from that."
    return note


def _each_once(texts: Iterable[str], between: str = "; ") -> str:
    different: Sequence[str] = list(dict.fromkeys(text for text in texts if text))
    return between.join(different)
