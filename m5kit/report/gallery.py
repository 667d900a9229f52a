"""What queries found, as a person looks at it: one row of cards a query and variant, hits marked right or wrong."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from m5kit.report.study import Study

MOST_VARIANTS, MOST_QUERIES = 4, 4
"""Shown below each other, so that a page stays small enough to send."""

STYLE = """
.query { margin: 1rem 0 1.6rem; }
.found { display: flex; gap: .5rem; overflow-x: auto; padding-bottom: .4rem; }
.who { flex: 0 0 7.5rem; font-size: .82rem; color: #5b6670; align-self: center; overflow-wrap: anywhere; }
.card { flex: 0 0 8.6rem; box-sizing: border-box; border: 1px solid #d5dbe0; border-top: 4px solid #8b96a0;
  border-radius: 4px; padding: .35rem .45rem; font-size: .74rem; line-height: 1.3; overflow-wrap: anywhere; }
.right { border-top-color: #009e73; } .wrong { border-top-color: #d55e00; }
.card b { display: block; font-size: .8rem; margin-bottom: .25rem; }
.card img { display: block; max-width: 100%; max-height: 7rem; margin: 0 auto .3rem; }
.card dl { margin: .2rem 0; color: #414b54; } .card dt { float: left; margin-right: .3rem; color: #5b6670; }
.card dd { margin: 0; }
.card p { margin: .2rem 0; }
""".strip()

KINDS = ("picture", "words", "rows", "strip", "sound", "note")
"""What :mod:`m5kit.data.preview` makes of a modality, in the order of a card."""
_PICTURES = ("picture", "strip", "sound")

Parts = Mapping[str, Sequence[Mapping[str, Any]]]
"""What an item looks like, by id."""


def shown_runs(study: Study) -> dict[str, str]:
    """One run a variant, that of its first seed: the reference and a few more."""
    rows = [row for row in study["rows"] if not row["view"] and row["runs"]]
    rows.sort(key=lambda row: row["variant"] != study["reference"])
    return {row["variant"]: row["runs"][0] for row in rows[:MOST_VARIANTS]}


def to_html_gallery(study: Study, folder: Path) -> str:
    """A section for each search that is shown: all of one variant, else the one that the first figure is about.

    Args:
        study: to show.
        folder: which the paths of its runs are relative to.
    """
    runs = {variant: folder / run for variant, run in shown_runs(study).items()}
    found = {variant: _read(run / "gallery.json") for variant, run in runs.items()}
    looks: dict[str, Any] = {}
    for run in runs.values():
        looks |= _read(run / "previews.json")
    tasks = list(dict.fromkeys(task for galleries in found.values() for task in galleries))
    if len([galleries for galleries in found.values() if galleries]) > 1:
        main = study["figures"][0].partition("/")[0]
        tasks = [main] if main in tasks else tasks[:1]
    return "\n".join(_section(task, {v: g[task] for v, g in found.items() if task in g}, looks) for task in tasks)


def _section(task: str, found: Mapping[str, Mapping[str, Any]], looks: Parts) -> str:
    first = next(iter(found.values()))
    queries = "\n".join(_query(query, found, looks) for query in first["queries"][:MOST_QUERIES])
    seen = {side: " + ".join(first.get(f"{side}_modalities") or ()) or "all it has" for side in ("query", "gallery")}
    note = (
        "Some queries, drawn before the search, and what the run of the first seed found, best first. "
        f"A hit is right if it has the query's label ({first['label']}); its score is beside it. "
        f"The model sees of a query {seen['query']}, of a hit {seen['gallery']}."
    )
    return f'<h2>What queries found: {escape(task)}</h2>\n<p class="note">{escape(note)}</p>\n{queries}'


def _query(query: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]], looks: Parts) -> str:
    rows = []
    for variant, gallery in found.items():
        same = next((other for other in gallery["queries"] if other["id"] == query["id"]), None)
        if same is not None:
            name = variant if len(found) > 1 else ""
            cards = [_asked(query, looks), *(_hit(hit, looks) for hit in same["hits"])]
            who = f'<div class="who">{escape(name)}</div>' if name else ""
            rows.append(f'<div class="found">{who}{"".join(cards)}</div>')
    return f'<div class="query">{"".join(rows)}</div>'


def _asked(query: Mapping[str, Any], looks: Parts) -> str:
    return f'<div class="card"><b>query: {escape(query["label"])}</b>{_look(query["id"], looks)}</div>'


def _hit(hit: Mapping[str, Any], looks: Parts) -> str:
    kind, mark = ("right", "✓") if hit["relevant"] else ("wrong", "✗")
    head = f"{mark} {escape(hit['label'] or '(no label)')} {hit['score']:.2f}"
    return f'<div class="card {kind}"><b>{head}</b>{_look(hit["id"], looks)}</div>'


def _look(item: str, looks: Parts) -> str:
    order = {kind: place for place, kind in enumerate(KINDS)}  # a run of another version may hold other kinds
    parts = sorted(looks.get(item, ()), key=lambda part: order.get(part["kind"], len(order)))
    return "".join(map(_part, parts)) or f"<p>{escape(item)}</p>"


def _part(part: Mapping[str, Any]) -> str:
    kind, value, modality = part["kind"], part["value"], escape(part["modality"])
    if kind in _PICTURES:
        return f'<img alt="{modality}" title="{modality}" src="{escape(value)}">'
    if kind == "rows":
        pairs = "".join(f"<dt>{escape(key)}</dt><dd>{escape(said)}</dd>" for key, said in value)
        return f'<dl title="{modality}">{pairs}</dl>'
    said = value if kind == "words" else f"{part['modality']}: {value}"
    return f'<p title="{modality}">{escape(said)}</p>'


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found
