"""The files of a report: complete, the same every time, and whole pages that need no network."""

import re
from html.parser import HTMLParser

from m5kit.report.page import write_report
from m5kit.runs.study import Study


class Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.links, self.images = [], 0

    def handle_starttag(self, tag, attributes):
        self.images += tag == "img"
        self.links += [value for name, value in attributes if name in ("src", "href") and not value.startswith("data:")]


def test_all_files_are_written(study, folder):
    assert write_report(Study.from_json(study), folder) == folder / "report.html"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    pictures = {f"pictures/{name}.png" for name in ("figures", "cost", "views", "losses", "weights")}
    assert {"report.md", "report.csv", "runs.csv", "report.tex", "report.html"} | pictures == {
        name for name in names if not name.startswith("trials/")
    }


def test_the_page_fetches_nothing(study, folder):
    page = write_report(Study.from_json(study), folder).read_text(encoding="utf-8")
    found = Outside()
    found.feed(page)
    assert (found.links, found.images) == ([], 5)
    assert not re.search(r"url\(|@import|<script", page)
    assert "<h1>Fusion &lt;1&gt;</h1>" in page


def test_markdown_shows_pictures_that_are_there(study, folder):
    write_report(Study.from_json(study), folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert len(links) == 5
    assert all((folder / link).read_bytes().startswith(b"\x89PNG") for link in links)
    assert text.startswith("# Fusion <1>\n\nDoes it matter?\n\n4 runs done, 1 failed.\n\nscale is the same as plain")


def test_the_same_study_gives_the_same_bytes(study, folder):
    def content():
        write_report(Study.from_json(study), folder)
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert content() == content()


def test_before_the_first_run_is_done_there_is_a_page_already(study, tmp_path):
    empty = study | {"rows": [], "failed": [], "notes": [], "progress": {"done": 0, "failed": 0, "left": 6}}
    assert "0 runs done, 6 to go." in write_report(Study.from_json(empty), tmp_path).read_text(encoding="utf-8")
    assert (tmp_path / "runs.csv").read_text() == "variant,sees,seed,coarse/mrr@10,run\n"


def test_runs_without_metrics_have_no_curves(study, tmp_path):
    write_report(Study.from_json(study), tmp_path)
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"figures", "cost", "views"}
