"""The search page in a real browser: words, files, sliders, filters, links, keys; wide and narrow, light and dark."""

import json
import threading
import time

import pytest

pytest.importorskip("lancedb")
uvicorn = pytest.importorskip("uvicorn")
SETTLED = "#results:not(.waiting) > li, #status.bad"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(trained, tmp_path_factory):
    """A service on an index of the demo's items."""
    from m5kit.index.index import Index
    from m5kit.serve.app import make_app
    from m5kit.serve.settings import Settings

    index = Index.build(tmp_path_factory.mktemp("index") / "shop.index", trained[0])
    server = uvicorn.Server(uvicorn.Config(make_app(index, Settings()), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def visit(browser, address):
    """Opens the page; at the end nothing may have been complained of, or asked of another machine."""
    contexts, complaints, requests = [], [], []

    def open_page(query="", width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address + query)
        page.wait_for_selector(SETTLED)
        return page

    open_page.expected = ()
    yield open_page
    assert [text for text in complaints if not text.endswith(open_page.expected)] == []
    assert [url for url in requests if not url.startswith((address, "blob:", "data:"))] == []
    for context in contexts:
        context.close()


def ids(page):
    page.wait_for_selector(SETTLED)
    return page.eval_on_selector_all("#results > li", "cards => cards.map(card => card.dataset.id)")


def after(page, act):
    """Do something that starts a search, and wait for its answer."""
    with page.expect_response("**/search"):
        act()
    page.wait_for_selector(SETTLED)


def asked_of(address, **body):
    from urllib.request import Request, urlopen

    request = Request(f"{address}search", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request) as answer:
        return [hit["id"] for hit in json.loads(answer.read())["hits"]]


def test_words_find_what_the_service_finds_and_the_link_says_the_same(visit, address):
    page = visit()
    page.fill("#words", "striped cup")
    after(page, lambda: page.press("#words", "Enter"))
    assert ids(page) == asked_of(address, item={"text": "striped cup"}, top=24)
    assert "v.text=striped+cup" in page.url
    assert ids(visit(page.url.removeprefix(address))) == ids(page)
    assert page.locator(".score").count() == 24


def test_files_join_the_words_and_sliders_change_what_counts(visit, demo):
    page = visit("?v.text=striped+cup")
    files = [
        demo / "media/image/000000.jpg",
        *sorted(demo.glob("media/audio/*"))[:1],
        *sorted(demo.glob("media/video/*"))[:1],
    ]
    after(page, lambda: page.set_input_files("#file", files))
    assert page.locator(".part").count() == 4
    assert page.locator("#legend li").count() == 4
    assert page.locator(".shares").first.get_attribute("aria-label").startswith("Shares: ")
    before = ids(page)
    slider = page.get_by_label("How much text counts")
    after(page, lambda: slider.fill("0"))
    assert ids(page) != before
    assert "w.text=0" in page.url
    after(page, lambda: page.get_by_label("Remove video").click())
    assert page.locator(".part").count() == 3


def test_more_like_this_and_back(visit, address):
    page = visit("?v.text=jar")
    before = ids(page)
    after(page, lambda: page.get_by_text("More like this").first.click())
    assert ids(page) == asked_of(address, like=before[0], top=24)
    assert f"like={before[0]}" in page.url
    after(page, page.go_back)
    assert ids(page) == before


def test_filters_narrow_by_values_ranges_and_writing(visit):
    page = visit()
    page.click("#narrow")
    room = page.locator("fieldset", has=page.locator("legend", has_text="room"))
    after(page, lambda: room.locator("input").first.check())
    value = room.locator("label span").first.text_content()
    cells = page.eval_on_selector_all("dd", "cells => cells.map(cell => cell.textContent)")
    assert cells.count(value) == len(ids(page))
    after(page, lambda: (page.get_by_label("size_mm, max").fill("150"), page.keyboard.press("Enter")))
    assert page.text_content("#narrowed") == "2"
    visit.expected = ("status of 422 (Unprocessable Entity)",)  # what follows is a mistake
    after(page, lambda: (page.fill("#where", "size_mm < tiny"), page.keyboard.press("Enter")))
    assert "no column 'tiny'" in page.text_content("#status.bad")
    after(page, lambda: page.get_by_text("Clear filters").click())
    assert len(ids(page)) == 24


def test_a_file_that_is_refused_is_named_until_the_next_search(visit, demo, tmp_path):
    page = visit()
    other = tmp_path / "list.zip"
    other.write_bytes(b"PK")
    page.set_input_files("#file", [other])
    assert "list.zip: no modality of this index reads" in page.text_content("#status.bad")
    assert len(ids(page)) == 24  # what was found before stays
    after(page, lambda: page.set_input_files("#file", [other, demo / "media/image/000000.jpg"]))
    page.wait_for_selector("#status.bad")
    assert page.locator(".part").count() == 1


def test_without_results_the_page_offers_the_way_out(visit):
    page = visit("?where=size_mm+%3C+0")
    assert "No item fits the filters." in page.text_content("#results")
    after(page, lambda: page.locator("#results").get_by_text("Clear filters").click())
    assert len(ids(page)) == 24
    assert "where" not in page.url
    visit("?where=id+%3D+%27000001%27").wait_for_selector("text=/^1 item in/")


def test_a_picture_that_is_gone_leaves_a_letter(visit):
    visit.expected = ("status of 404 (Not Found)",)
    page = visit()
    page.route("**/thumbnail**", lambda route: route.fulfill(status=404, body="{}"))
    page.goto(page.url + "?v.text=jar")
    page.wait_for_selector(".stage:not(.bare) .letter")


def test_everything_is_reached_by_keys(visit):
    page = visit("?v.text=pot")
    first = ids(page)
    page.locator("#results > li").last.focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "words"
    page.focus("#narrow")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # to the button that searches
    page.keyboard.press("Tab")  # to the table
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#filters') !== null")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "narrow"
    assert page.locator("#filters").is_hidden()
    page.focus("#words")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.id") == first[1]
    after(page, lambda: page.keyboard.press("m"))
    assert f"like={first[1]}" in page.url


def test_a_video_plays_and_a_sound_has_a_player(visit):
    page = visit("?where=split+is+not+null")
    page.locator(".play").first.click()
    page.wait_for_selector(".stage video")
    for _ in range(100):
        if page.eval_on_selector(".stage video", "video => video.videoWidth"):
            break
        page.wait_for_timeout(200)
    else:
        pytest.fail("the video shows nothing after 20 s")
    assert page.locator("audio").count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_it_fits_any_window_and_every_picture_loads(visit, width, scheme):
    page = visit("?v.text=cup", width, scheme)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    widths = page.evaluate("[...document.images].filter(i => i.complete).map(i => i.naturalWidth)")
    assert len(widths) > 2  # a narrow window loads the first cards alone
    assert min(widths) > 0
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert ink != paper


def test_what_the_catalogue_says_is_never_html(visit):
    page = visit("?v.text=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E")
    assert page.locator("img[src=x]").count() == 0
