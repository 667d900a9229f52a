"""A table once, as Markdown, CSV, LaTeX and HTML."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from m5kit.report.html import breakable

# by one pass over the text: one replacement after the other would escape the backslashes of those before
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
}

_MARKDOWN = re.compile(
    r"[\\`*\[$]"  # escapes, code, emphasis, links, formulas
    r"|(?<!\w)_|_(?!\w)"  # emphasis begins or ends only at the edge of a word
    r"|<(?=[A-Za-z/!?])"  # HTML, which a number after the sign cannot be
)

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


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


def without_empty_columns(table: Table) -> Table:
    """The same table without columns in which no row has anything; those of words stay.

    Example:
        >>> without_empty_columns(Table("", ["", "seconds", "steps"], [["a", "", "2"], ["b", "", "3"]])).headings
        ['', 'steps']
    """
    columns = range(len(table.headings))
    kept = [number for number in columns if number < table.words or _has_cells(table, number)]
    rows = [_picked(row, kept) for row in table.rows]
    return replace(table, headings=_picked(table.headings, kept), rows=rows)


def _has_cells(table: Table, number: int) -> bool:
    return any(row[number] for row in table.rows)


def _picked(cells: Sequence[str], numbers: Sequence[int]) -> list[str]:
    return [cells[number] for number in numbers]


def to_markdown(table: Table) -> str:
    r"""A pipe table below its title.

    Example:
        >>> print(to_markdown(Table("", ["a", "b|c"], [["1", "2"]])))
        | a | b\|c |
        |:--|--:|
        | 1 | 2 |
    """
    head = f"## {markdown_text(table.title)}\n\n" if table.title else ""
    rule = "|" + "|".join([":--"] * table.words + ["--:"] * (len(table.headings) - table.words)) + "|"
    note = f"\n\n{markdown_text(table.note)}" if table.note else ""
    return head + "\n".join([_pipes(table.headings), rule, *map(_pipes, table.rows)]) + note


def to_csv(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated values with one line of headings; None becomes an empty field.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets do not show.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in (headings, *rows):
        writer.writerow(map(_no_formula, row))
    return buffer.getvalue()


def markdown_text(text: str) -> str:
    r"""A text as Markdown shows it letter by letter, on one line.

    Example:
        >>> print(markdown_text("10% off $100 vs *half*, map_std@10"))
        10% off \$100 vs \*half\*, map_std@10
    """
    line = " ".join(text.splitlines())  # a line break would end a cell, and with it the table
    return _MARKDOWN.sub(lambda found: "\\" + found.group(), line)


def markdown_cell(text: str) -> str:
    """The same as a cell of a table, which a bar would end."""
    return markdown_text(text).replace("|", r"\|")


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
    body = ""
    for row in table.rows:
        body += f"<tr>{_cells('td', row, table.words)}</tr>\n"
    note = f'\n<p class="note">{escape(table.note)}</p>' if table.note else ""
    title = f"<h2>{escape(table.title)}</h2>\n" if table.title else ""
    return (
        f'{title}<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>{note}'
    )


def _cells(tag: str, cells: Sequence[str], words: int) -> str:
    """Those with words are marked, so that the style can wrap them."""
    texts = []
    for number, cell in enumerate(cells):
        shown = f'<{tag} class="words">{breakable(cell)}' if number < words else f"<{tag}>{escape(cell)}"
        texts.append(f"{shown}</{tag}>")
    return "".join(texts)


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown_cell, cells)) + " |"


def _no_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_SIGNS) else cell


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(map(_tex, cells)) + r" \\"


def _tex(text: str) -> str:
    return re.sub(r"[\\~^<>|&%$#_{}]", lambda found: _LATEX[found.group()], " ".join(text.splitlines()))
