"""Writes a study as files: Markdown, CSV, LaTeX and one HTML page that needs nothing else."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from m5kit.report.gallery import STYLE as GALLERY_STYLE
from m5kit.report.gallery import to_html_gallery
from m5kit.report.html import whole_page
from m5kit.report.plots import Picture, pictures
from m5kit.report.study import NUMBERS, Study, numbers, progress, seeds, tables
from m5kit.report.tables import to_csv, to_html, to_latex, to_markdown

PICTURES = "pictures"


def write_report(study: Study, folder: Path, drawn: Sequence[Picture] | None = None) -> Path:
    """Write, or write again, all files of a report; returns the HTML page.

    Args:
        study: as :func:`m5kit.ablation.analysis.analyse` gives it.
        folder: for the report; the paths of the study's runs are relative to it.
        drawn: its pictures; None to draw them now.
    """
    drawn = list(pictures(study, folder)) if drawn is None else drawn
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    for picture in drawn:
        _write(folder / PICTURES / f"{picture.name}.png", picture.png)
    for name, text in {
        "report.md": to_markdown_page(study, drawn),
        "report.csv": to_csv(NUMBERS, list(numbers(study))),
        "runs.csv": to_csv(*seeds(study)),
        "report.tex": "\n\n".join(map(to_latex, tables(study))) + "\n",
        "report.html": to_html_page(study, drawn, to_html_gallery(study, folder)),
    }.items():
        _write(folder / name, text.encode())
    return folder / "report.html"


def to_markdown_page(study: Study, drawn: Sequence[Picture]) -> str:
    """The report for a repository: tables, then pictures beside the file."""
    parts = [f"# {study['title']}", study["about"], progress(study), *study["notes"]]
    parts += map(to_markdown, tables(study))
    parts += [f"## {p.title}\n\n{p.note}\n\n![{p.title}]({PICTURES}/{p.name}.png)" for p in drawn]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_html_page(study: Study, drawn: Sequence[Picture], gallery: str = "") -> str:
    """The report for a browser, pictures inside; the gallery is HTML."""
    title = escape(study["title"])
    lines = [f"<h1>{title}</h1>", *(f"<p>{escape(text)}</p>" for text in (study["about"],) if text)]
    lines += [f'<p class="progress">{escape(text)}</p>' for text in (progress(study), *study["notes"])]
    lines += map(to_html, tables(study))
    lines += map(_figure, drawn)
    lines += [gallery] if gallery else []
    return whole_page(title, "\n".join(lines), GALLERY_STYLE)


def _figure(picture: Picture) -> str:
    data = b64encode(picture.png).decode("ascii")
    title = escape(picture.title)
    return (
        f"<h2>{title}</h2>\n<figure><figcaption>{escape(picture.note)}</figcaption>\n"
        f'<img alt="{title}" src="data:image/png;base64,{data}"></figure>'
    )


def _write(path: Path, content: bytes) -> None:
    """Write aside and rename: a reader sees the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
