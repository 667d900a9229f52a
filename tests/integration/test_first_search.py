"""The notebook from a CSV to a search result, run as a reader runs it."""

import os
import shutil
import sys
from pathlib import Path

import jupytext
import nbclient
import pytest

PAGES = Path(__file__).parents[2] / "docs/howto"
MOST_LINES = 15


@pytest.fixture
def notebook(tmp_path):
    """The notebook in a folder of its own, with seconds of training instead of a minute."""
    shutil.copy(PAGES / "first-search.csv", tmp_path)
    book = jupytext.read(PAGES / "first-search.md")
    for cell in book.cells:
        cell.source = cell.source.replace('"schedule.minutes": 1', '"schedule.minutes": 0.1')
    return book


def lines_of(book):
    sources = [cell.source for cell in book.cells if cell.cell_type == "code"]
    return [line for line in "\n".join(sources).splitlines() if line.strip()]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.name == "stdout").splitlines()


@pytest.mark.slow
def test_a_csv_becomes_a_search_in_few_lines(notebook, tmp_path, monkeypatch):
    # a reader has activated the environment; whoever runs this test may have named its Python by its path
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert len(lines_of(notebook)) <= MOST_LINES
    client = nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3")
    client.execute(cwd=str(tmp_path))
    by_words, by_both = [printed(cell) for cell in notebook.cells if cell.cell_type == "code"][2:]
    assert len(by_words) == len(by_both) == 5
    assert all("striped cup" in line for line in by_words[:3])
    assert sum("cushion" in line for line in by_both) >= 3
