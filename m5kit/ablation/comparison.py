"""Compares any finished runs on one page, whether a sweep made them or not."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from m5kit.ablation.analysis import Question
from m5kit.ablation.outcomes import Found, of_runs
from m5kit.ablation.reporting import report_on
from m5kit.errors import CheckpointError, ConfigError
from m5kit.report.plots import Drawing
from m5kit.runs.sweep_folder import ReportFolder
from m5kit.signatures import suggestion


def compare_runs(
    runs: Sequence[Path],
    out: Path,
    *,
    title: str = "Runs",
    reference: str | None = None,
    metrics: Sequence[str] | None = None,
    interval: str = "student",
    test: str = "permutation",
) -> Path:
    """Write a report; returns its page.

    Args:
        runs: folders of training runs; those that differ only in their seed are one variant.
        out: folder of the report.
        title: of the page.
        reference: name of the config that the others are compared with; None for the first.
        metrics: ``TASK/METRIC``; None for one of each task.
        interval: ``student`` or ``bootstrap``.
        test: ``permutation`` or ``t``.

    Raises:
        ConfigError: no run has the name ``reference``, or a value that ``metrics`` names.
        CheckpointError: a folder holds no run, or none of them has a metric value.
    """
    with _made(out):
        found = of_runs(runs, out)
        if not found.metrics:
            why = found.failed[0].reason if found.failed else "their evaluations found nothing"
            raise CheckpointError(f"none of these runs has a metric value, such as {runs[0]}: {why}")
        _check_reference(reference, found)
        _check_metrics(metrics or (), found)
        question = Question(title, "", metrics or one_of_each_task(found), reference or "", interval, test)
        report_on(found, question, out, Drawing())
    return ReportFolder(out).page


@contextmanager
def _made(out: Path) -> Iterator[None]:
    """Have a folder, which goes again if what is asked for is refused or cannot be written to its end.

    A path such as NEW/../run needs NEW from the start.
    """
    absent = [place for place in (out, *out.parents) if not place.exists()]
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        # the page is written last: where there is one, another process made the whole report meanwhile
        if out in absent and not ReportFolder(out).page.exists():
            shutil.rmtree(out, ignore_errors=True)
        for place in absent:
            with suppress(OSError):
                place.rmdir()
        raise


def one_of_each_task(found: Found) -> list[str]:
    """The last metric of each task, as metrics put their widest cut-off last.

    Those of single pairs, properties or strengths of corruption are too many. A task that has nothing else gives its
    mean; where no task has either, each gives what it has. A metric with a chance level goes before one without: shares
    such as how many queries can be answered have none.
    """
    scores = found.metrics
    whole = [name for name in scores if "|" not in name or name.endswith("|mean")]
    chosen: dict[str, str] = {}
    for name in whole or scores:
        task = name.partition("/")[0]
        if task not in chosen or scores[name]["chance"] is not None or scores[chosen[task]]["chance"] is None:
            chosen[task] = name
    return list(chosen.values())


def _check_reference(name: str | None, found: Found) -> None:
    variants = list(dict.fromkeys(outcome.variant for outcome in found.outcomes))
    if name is not None and name not in variants:
        raise ConfigError([f"--reference: no run is called {name!r}; there are: {', '.join(variants) or 'none'}"])


def _check_metrics(names: Sequence[str], found: Found) -> None:
    problems = []
    for name in names:
        if name not in found.metrics:
            hint = suggestion(name, found.metrics) or f"there are: {', '.join(one_of_each_task(found))} and others"
            problems.append(f"--metrics: no run has a value {name!r}; {hint}")
    if problems:
        raise ConfigError(problems)
