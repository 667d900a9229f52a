"""One table in four languages, each with its own signs escaped."""

import csv
import io

import pytest

from m5kit.report.tables import Table, to_csv, to_html, to_latex, to_markdown

TABLE = Table("Cost & time", ["", "a_b", "50%"], [["x|y\nz", "<1>", "#2"]], "As {seen}.")


def test_markdown():
    assert (
        to_markdown(TABLE) == "## Cost & time\n\n|  | a_b | 50% |\n|:--|--:|--:|\n| x\\|y z | <1> | #2 |\n\nAs {seen}."
    )


def test_latex():
    lines = to_latex(TABLE).splitlines()
    assert r"\caption{Cost \& time. As \{seen\}.}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    assert r" & a\_b & 50\% \\" in lines
    assert r"x\textbar{}y z & \textless{}1\textgreater{} & \#2 \\" in lines
    assert to_latex(Table("", ["~^\\"], [])).count(r"\textasciitilde{}\textasciicircum{}\textbackslash{}") == 1


def test_html():
    page = to_html(TABLE)
    assert "<h2>Cost &amp; time</h2>" in page
    assert "<td>&lt;1&gt;</td>" in page
    assert '<p class="note">As {seen}.</p>' in page


def test_csv_reads_back():
    rows = [["a,b", 0.125, None], ['say "x"', 2, "two\nlines"]]
    read = list(csv.reader(io.StringIO(to_csv(["one", "two", "three"], rows))))
    assert read == [["one", "two", "three"], ["a,b", "0.125", ""], ['say "x"', "2", "two\nlines"]]


def test_columns_of_words_are_set_left():
    table = Table("", ["", "why", "n"], [["a", "b", "1"]], words=2)
    assert "\n|:--|:--|--:|\n" in to_markdown(table)
    assert r"\begin{tabular}{llr}" in to_latex(table)
    assert '<td class="words">a</td><td class="words">b</td><td>1</td>' in to_html(table)


HOSTILE = "10% off $100 vs $200_a ^b = |c| <b>d</b>\n`e` *f* [g](h) _i_"


def test_hostile_names_are_shown_letter_by_letter_in_markdown():
    text = to_markdown(Table("", ["", "n"], [[HOSTILE, "1"]]))
    row = text.splitlines()[2]
    assert row == (r"| 10% off \$100 vs \$200_a ^b = \|c\| \<b>d\</b> \`e\` \*f\* \[g](h) \_i\_ | 1 |")


def test_hostile_names_are_one_row_in_latex_and_html():
    table = Table("", ["", "n"], [[HOSTILE, "1"]])
    (row,) = [line for line in to_latex(table).splitlines() if "off" in line]
    assert r"\$100 vs \$200\_a \textasciicircum{}b = \textbar{}c\textbar{} \textless{}b\textgreater{}d" in row
    assert "<b>" not in to_html(table)


@pytest.mark.parametrize("name", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_takes_no_name_for_a_formula(name):
    (row,) = list(csv.reader(io.StringIO(to_csv(["name", "value"], [[name, -0.5]]))))[1:]
    assert row == ["'" + name, "-0.5"]
