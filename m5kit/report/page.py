"""Writes a study as files: Markdown, CSV, LaTeX and one HTML page that needs nothing else."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from m5kit.report.gallery import STYLE as GALLERY_STYLE
from m5kit.report.gallery import to_html_gallery
from m5kit.report.html import whole_page
from m5kit.report.plots import Picture, pictures
from m5kit.report.study_tables import NUMBERS, numbers, progress, seeds, tables
from m5kit.report.tables import markdown_text, to_csv, to_html, to_latex, to_markdown
from m5kit.runs.json import write_whole
from m5kit.runs.study import Study
from m5kit.runs.sweep_folder import ReportFolder


def write_report(study: Study, folder: Path, drawn: Sequence[Picture] | None = None) -> Path:
    """Write, or write again, all files of a report; returns the HTML page.

    Args:
        study: to show.
        folder: of the report; the paths of the study's runs are relative to it.
        drawn: its pictures; None to draw them now.
    """
    # a running sweep passes pictures that it drew a while ago: drawing costs seconds, the tables do not
    drawn = list(pictures(study, folder)) if drawn is None else drawn
    files = ReportFolder(folder)
    for picture in drawn:
        write_whole(files.picture(picture.name), picture.png)
    latex = "\n\n".join(map(to_latex, tables(study))) + "\n"
    texts = {
        files.markdown: to_markdown_page(study, drawn),
        files.numbers: to_csv(NUMBERS, list(numbers(study))),
        files.runs: to_csv(*seeds(study)),
        files.latex: latex,
        files.page: to_html_page(study, drawn, to_html_gallery(study, folder)),
    }
    for path, text in texts.items():
        write_whole(path, text.encode(errors="replace"))  # half a surrogate pair in a name has no UTF-8
    return files.page


def to_markdown_page(study: Study, drawn: Sequence[Picture]) -> str:
    """The report for a repository: tables, then pictures beside the file."""
    notes = map(markdown_text, (study.about, progress(study), *study.notes))
    parts = [f"# {markdown_text(study.title)}", *notes]
    parts += map(to_markdown, tables(study))
    for picture in drawn:
        link = f"{ReportFolder.PICTURES}/{picture.name}.png"
        parts.append(f"## {picture.title}\n\n{markdown_text(picture.note)}\n\n![{picture.title}]({link})")
    return "\n\n".join(filter(None, parts)) + "\n"


def to_html_page(study: Study, drawn: Sequence[Picture], gallery: str = "") -> str:
    """The report for a browser, pictures inside; the gallery is HTML."""
    title = escape(study.title)
    lines = [f"<h1>{title}</h1>"]
    if study.about:
        lines.append(f"<p>{escape(study.about)}</p>")
    lines += map(_small, (progress(study), *study.notes))
    lines += map(to_html, tables(study))
    lines += map(_figure, drawn)
    if gallery:
        lines.append(gallery)
    return whole_page(title, "\n".join(lines), GALLERY_STYLE)


def _small(text: str) -> str:
    return f'<p class="progress">{escape(text)}</p>'


def _figure(picture: Picture) -> str:
    # in the page and not beside it: a report is often sent as this one file
    data = b64encode(picture.png).decode("ascii")
    title = escape(picture.title)
    return (
        f"<h2>{title}</h2>\n<figure><figcaption>{escape(picture.note)}</figcaption>\n"
        f'<img alt="{title}" src="data:image/png;base64,{data}"></figure>'
    )
