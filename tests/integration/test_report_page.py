"""Pages in a real browser without network: every picture loads, nothing is fetched, no console error, no overflow.

Needs playwright (``pip install playwright``, without its browsers) and a Chromium of the system.
"""

import pytest

from m5kit.ablation.analysis import Question, analyse
from m5kit.ablation.outcomes import Found, RunOutcome
from m5kit.runs.study import FailedRun
from m5kit.runs.sweep_folder import TrialStatus

WIDE, NARROW = 1280, 390

pytestmark = pytest.mark.slow


@pytest.fixture
def visit(browser):
    """Opens a file offline; gives the page, what it complained about and what it asked for."""
    contexts = []

    def open_page(path, width=WIDE):
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
        contexts.append(context)
        page, complaints, requests = context.new_page(), [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url[:80]}"))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page, complaints, [url for url in requests if not url.startswith("data:")]

    yield open_page
    for context in contexts:
        context.close()


def loaded(page):
    """Widths of all pictures; 0 is one that did not load."""
    return page.evaluate("[...document.images].map(image => image.complete ? image.naturalWidth : 0)")


def overflow(page):
    """Pixels that the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def check(visit, path, pictures):
    for width in (WIDE, NARROW):
        page, complaints, requests = visit(path, width)
        widths = loaded(page)
        assert complaints == []
        assert requests == [path.as_uri()]
        assert len(widths) >= pictures
        assert min(widths) > 0
        assert overflow(page) == 0
    return page


@pytest.fixture(scope="module")
def page_of_a_run(trained, tool, tmp_path_factory):
    """The report of a finished run that was also seen in every part."""
    run, _ = trained
    tool("-m", "m5kit", "evaluate", run, "--all-subsets")
    out = tmp_path_factory.mktemp("page")
    tool("tools/report.py", run, "--out", out)
    return out / "report.html"


def test_the_report_of_a_run_shows_its_pictures_and_what_queries_found(visit, page_of_a_run):
    page = check(visit, page_of_a_run, pictures=20)
    titles = page.eval_on_selector_all("h2", "all => all.map(each => each.textContent)")
    assert {"Results", "Learning curves", "Every subset of modalities", "Search examples: coarse"} <= set(titles)
    assert page.locator(".query").count() >= 4
    assert page.locator(".card.right, .card.wrong").count() >= 15
    assert set(page.locator(".card b").all_text_contents()[1][:1]) <= {"✓", "✗"}
    assert page_of_a_run.stat().st_size < 3_000_000


def test_every_choice_of_modalities_is_in_the_files(page_of_a_run):
    rows = (page_of_a_run.parent / "runs.csv").read_text().splitlines()
    assert len({row.split(",")[1] for row in rows[1:]}) == 32  # seen whole, and 31 choices


def test_a_report_with_long_names_and_many_rows_fits_the_window(visit, tmp_path):
    from m5kit.report.page import write_report

    scores = {f"coarse/{name}": {"value": 0.5, "chance": 0.1} for name in ("map_std@10", "mrr@10", "recall@10")}
    outcomes = [
        RunOutcome(
            f"schedule.lr={n}e-4, fusion=with_a_very_long_name_that_does_not_break_{n}", "", seed, scores, status, "r"
        )
        for n in range(14)
        for seed in range(3)
        for status in [TrialStatus("done", None, 10.0 + n, 2**28, 10**6)]
    ]
    failed = FailedRun(variant="x" * 80, seed=0, reason="RuntimeError: " + "size " * 60, log="trials/x/log.txt")
    study = analyse(Found(outcomes, [failed]), Question("Many", "", tuple(scores)))
    check(visit, write_report(study, tmp_path), pictures=2)


def test_the_page_about_a_manifest(visit, demo, tool, tmp_path):
    tool("-m", "m5kit", "data", "stats", demo, "--html", tmp_path / "data.html")
    check(visit, tmp_path / "data.html", pictures=4)
