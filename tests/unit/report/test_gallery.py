"""Queries and what they found, as cards."""

import json

import pytest

from m5kit.errors import CheckpointError
from m5kit.report.gallery import MOST_QUERIES, MOST_VARIANTS, shown_runs, to_html_gallery
from m5kit.runs.study import Study


def hit(item, label, relevant):
    return {"id": item, "label": label, "score": 0.913, "relevant": relevant}


def gallery(*ids):
    queries = [{"id": i, "label": "cup", "hits": [hit("h1", "cup", True), hit("h2", "<pot>", False)]} for i in ids]
    sides = {"query_modalities": ["a", "b"], "gallery_modalities": None}
    return {"query_split": "q", "gallery_split": "g", "label": "coarse", "queries": queries, **sides}


NO_SCORE = hit("h1", "cup", True) | {"score": None}
LOOKS = {
    "q1": [
        {"modality": "c", "kind": "rows", "value": [["size", "3 & 4"]]},
        {"modality": "a", "kind": "picture", "value": "data:image/jpeg;base64,AAAA"},
    ],
    "h1": [
        {"modality": "b", "kind": "words", "value": "a <red> cup"},
        {"modality": "d", "kind": "note", "value": "36 features"},
    ],
}


@pytest.fixture
def shown(study, folder):
    for run in ("plain-0", "new_one-0"):
        path = folder / "trials" / run
        (path / "gallery.json").write_text(json.dumps({"coarse": gallery("q1", "q2"), "fine": gallery("q1")}))
        (path / "previews.json").write_text(json.dumps(LOOKS))
    return study, folder


def test_one_run_a_variant_is_shown_the_reference_first(study):
    study["reference"] = "new_one"
    assert list(shown_runs(Study.from_json(study)).items()) == [
        ("new_one", "trials/new_one-0"),
        ("plain", "trials/plain-0"),
    ]
    study["rows"] = [study["rows"][0] | {"variant": f"v{n}"} for n in range(9)]
    assert len(shown_runs(Study.from_json(study))) == MOST_VARIANTS


def test_several_variants_show_what_each_found_for_the_same_query(shown):
    page = to_html_gallery(Study.from_json(shown[0]), shown[1])
    assert page.count("<h2>") == 1  # the search that the first figure is about
    assert "<h2>Search examples: coarse</h2>" in page
    assert page.count('class="query"') == 2
    assert page.count('class="found"') == page.count("query: cup") == 4
    assert page.count('<div class="who">new_one</div>') == 2
    assert "Of a query the model sees a + b; of a hit, all that it has" in page


def test_one_variant_shows_all_its_searches_without_its_name(shown):
    study, folder = shown
    study["rows"] = study["rows"][:1]
    page = to_html_gallery(Study.from_json(study), folder)
    assert [part.partition("<")[0] for part in page.split("examples: ")[1:]] == ["coarse", "fine"]
    assert "who" not in page


def test_hits_are_marked_in_words_too_and_everything_is_escaped(shown):
    page = to_html_gallery(Study.from_json(shown[0]), shown[1])
    assert (
        '<div class="card right"><b>✓ cup 0.91</b><p title="b">a &lt;red&gt; cup</p><p title="d">d: 36 features</p>'
        in page
    )
    assert '<div class="card wrong"><b>✗ &lt;pot&gt; 0.91</b>' in page
    assert (
        '<img alt="a" title="a" src="data:image/jpeg;base64,AAAA"><dl title="c"><dt>size</dt><dd>3 &amp; 4</dd></dl>'
        in page
    )


def test_without_previews_the_ids_are_shown(shown):
    study, folder = shown
    for path in folder.glob("trials/*/previews.json"):
        path.unlink()
    assert "<p>q1</p>" in to_html_gallery(Study.from_json(study), folder)


def test_runs_without_a_search_have_no_gallery(study, folder):
    assert to_html_gallery(Study.from_json(study), folder) == ""


def test_a_page_shows_a_few_queries_only(shown):
    study, folder = shown
    for path in folder.glob("trials/*/gallery.json"):
        path.write_text(json.dumps({"coarse": gallery(*(f"q{n}" for n in range(20)))}))
    assert to_html_gallery(Study.from_json(study), folder).count('class="query"') == MOST_QUERIES


def test_a_kind_of_another_version_is_shown_with_its_name_and_last(shown):
    study, folder = shown
    parts = [{"modality": "b", "kind": "poem", "value": "roses"}, *LOOKS["h1"]]
    for path in folder.glob("trials/*/previews.json"):
        path.write_text(json.dumps({"h1": parts}))
    assert '<p title="d">d: 36 features</p><p title="b">b: roses</p>' in to_html_gallery(Study.from_json(study), folder)


def test_a_strangers_run_makes_the_page_fetch_nothing(shown):
    study, folder = shown
    part = {"modality": "a", "kind": "picture", "value": "https://example.org/track.png"}
    for path in folder.glob("trials/*/previews.json"):
        path.write_text(json.dumps({"h1": [part]}))
    page = to_html_gallery(Study.from_json(study), folder)
    assert "example.org" not in page
    assert '<p title="a">a: not shown</p>' in page


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("gallery.json", {"coarse": 7}),
        ("gallery.json", {"coarse": {"label": "coarse", "queries": [{"id": "q1"}]}}),
        ("gallery.json", {"coarse": gallery("q1") | {"queries": [gallery("q1")["queries"][0] | {"hits": [7]}]}}),
        (
            "gallery.json",
            {"coarse": {"label": "coarse", "queries": [{"id": "q1", "label": "cup", "hits": [NO_SCORE]}]}},
        ),
        ("previews.json", {"q1": [7]}),
        ("previews.json", {"q1": [{"modality": "c", "kind": "rows", "value": "size"}]}),
        ("previews.json", []),
    ],
)
def test_damaged_galleries_are_named_with_what_to_do(shown, file, content):
    for run in ("plain-0", "new_one-0"):
        (shown[1] / "trials" / run / file).write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=rf".*{file}.*; remove it to report without these examples"):
        to_html_gallery(Study.from_json(shown[0]), shown[1])
