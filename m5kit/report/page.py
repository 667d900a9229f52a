"""Writes a study as files: Markdown, CSV, LaTeX and one HTML page that needs nothing else."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from m5kit.report.gallery import STYLE as GALLERY_STYLE
from m5kit.report.gallery import to_html_gallery
from m5kit.report.plots import Picture, pictures
from m5kit.report.study import NUMBERS, Study, numbers, progress, seeds, tables
from m5kit.report.tables import to_csv, to_html, to_latex, to_markdown

PICTURES = "pictures"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2329; background: #fff; max-width: 76rem;
  margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
p { margin: .3rem 0; }
.progress, .note, figcaption { color: #5b6670; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .9rem; text-align: right; white-space: nowrap; }
.words { text-align: left; white-space: pre-line; overflow-wrap: break-word; min-width: 8rem; max-width: 26rem; }
th:first-child, td:first-child { padding-left: 0; }
th { font-weight: 600; border-bottom: 2px solid #1d2329; }
td { border-bottom: 1px solid #e3e7ea; }
tbody tr:hover { background: #f4f7f9; }
figure { margin: 0; overflow-x: auto; }
figure img { max-width: 100%; min-width: 36rem; height: auto; }
@media (max-width: 40rem) { body { padding: 0 .8rem; } th, td { padding: .35rem .5rem; }
  .words { min-width: 7rem; max-width: 9rem; } }
@media print { body { max-width: none; } tr, figure { break-inside: avoid; } }
""".strip()


def write_report(study: Study, folder: Path) -> Path:
    """Write, or write again, all files of a report; returns the HTML page.

    Args:
        study: as :func:`m5kit.ablation.analysis.analyse` gives it.
        folder: for the report; the paths of the study's runs are relative to it.
    """
    drawn = list(pictures(study, folder))
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
    body = "\n".join(lines)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n{GALLERY_STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


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
