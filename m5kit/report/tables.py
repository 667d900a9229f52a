"""A table once, as Markdown, CSV, LaTeX and HTML."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as a reader sees them.

    Attributes:
        title: a few words above it.
        headings: one a column.
        rows: as long as the headings; the first column names the row.
        note: what one must know to read it; may be empty.
        words: how many columns, from the first, hold words; the others hold numbers.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: int = 1


def to_markdown(table: Table) -> str:
    r"""A pipe table below its title.

    Example:
        >>> print(to_markdown(Table("", ["a", "b|c"], [["1", "2"]])))
        | a | b\|c |
        |:--|--:|
        | 1 | 2 |
    """
    head = f"## {table.title}\n\n" if table.title else ""
    rule = "|" + "|".join([":--"] * table.words + ["--:"] * (len(table.headings) - table.words)) + "|"
    note = f"\n\n{table.note}" if table.note else ""
    return head + "\n".join([_pipes(table.headings), rule, *map(_pipes, table.rows)]) + note


def to_csv(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated values with one line of headings; None becomes an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([headings, *rows])
    return buffer.getvalue()


def to_latex(table: Table) -> str:
    """A ``table`` that needs the package booktabs."""
    columns = "l" * table.words + "r" * (len(table.headings) - table.words)
    note = f" {table.note}" if table.note else ""
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(table.title + '.' + note)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _ampersands(table.headings),
            r"\midrule",
            *map(_ampersands, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def to_html(table: Table) -> str:
    """A ``<table>`` below its title if it has one, in a box that scrolls where the page is narrow."""
    head = _cells("th", table.headings, table.words)
    body = "\n".join(f"<tr>{_cells('td', row, table.words)}</tr>" for row in table.rows)
    note = f'\n<p class="note">{escape(table.note)}</p>' if table.note else ""
    title = f"<h2>{escape(table.title)}</h2>\n" if table.title else ""
    return (
        f'{title}<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>{note}"
    )


def _cells(tag: str, cells: Sequence[str], words: int) -> str:
    """Those with words are marked, so that the style can wrap them."""
    kinds = [' class="words"' if number < words else "" for number in range(len(cells))]
    return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(map(_tex, cells)) + r" \\"


def _tex(text: str) -> str:
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _LATEX[found.group()], text.replace("\n", " "))
