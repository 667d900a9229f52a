"""From what runs left behind to the files of a report."""

from pathlib import Path

from m5kit.ablation.analysis import Question, analyse
from m5kit.ablation.outcomes import Found
from m5kit.inference.previews import keep_previews
from m5kit.report.gallery import shown_runs
from m5kit.report.page import write_report
from m5kit.report.plots import Drawing
from m5kit.report.run_place import run_at
from m5kit.runs.study import Study


def report_on(found: Found, question: Question, folder: Path, drawing: Drawing, draw: bool = True) -> Study:
    """Analyse the runs and write, or write again, the report.

    Args:
        found: what the runs left.
        question: what to compute of it.
        folder: of the report; the paths of runs are relative to it.
        drawing: makes the pictures; the same one for every report of a growing sweep.
        draw: draw all pictures now; else those of an earlier call may be shown again.

    Returns:
        What was shown.
    """
    study = analyse(found, question)
    for run in shown_runs(study).values():
        keep_previews(run_at(folder, run).path)
    write_report(study, folder, drawing.of(study, folder, now=draw))
    return study
