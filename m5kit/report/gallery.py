"""What queries found, as a person looks at it: one row of cards a query and variant, hits marked right or wrong."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from m5kit.errors import CheckpointError
from m5kit.report.html import breakable
from m5kit.report.run_place import run_at
from m5kit.runs.json import read_json
from m5kit.runs.study import Study

MOST_VARIANTS, MOST_QUERIES = 4, 4
"""Shown below each other, so that a page stays small enough to send."""

STYLE = """
.query { margin: 1rem 0 1.6rem; }
.found { display: flex; gap: .5rem; overflow-x: auto; padding-bottom: .4rem; }
.who { flex: 0 0 9rem; font-size: .82rem; color: #5b6670; align-self: center; overflow-wrap: break-word; }
.card { flex: 0 0 8.6rem; box-sizing: border-box; border: 1px solid #d5dbe0; border-top: 4px solid #8b96a0;
  border-radius: 4px; padding: .35rem .45rem; font-size: .74rem; line-height: 1.3; overflow-wrap: break-word; }
.right { border-top-color: #009e73; } .wrong { border-top-color: #d55e00; }
.card b { display: block; font-size: .8rem; margin-bottom: .25rem; }
.card img { display: block; max-width: 100%; max-height: 7rem; margin: 0 auto .3rem; }
.card dl { margin: .2rem 0; color: #414b54; } .card dt { float: left; margin-right: .3rem; color: #5b6670; }
.card dd { margin: 0; }
.card p { margin: .2rem 0; }
""".strip()

KINDS = ("picture", "words", "rows", "strip", "sound", "note")
"""What :mod:`m5kit.data.preview` makes of a modality, in the order of a card."""
_REMEDY = "remove it to report without these examples, or evaluate the run again"
_PICTURES = ("picture", "strip", "sound")

Parts = Mapping[str, Sequence[Mapping[str, Any]]]
"""What an item looks like, by id."""

StoredGallery = Mapping[str, Any]
"""What queries of one retrieval metric found: an entry of ``gallery.json``."""


def shown_runs(study: Study) -> dict[str, str]:
    """One run a variant, that of its first seed: the reference and a few more."""
    rows = [row for row in study.whole_rows if row.runs]
    # False before True, and the sort is stable: the reference first, the others as the study has them
    rows.sort(key=lambda row: row.variant != study.reference)
    shown = {}
    for row in rows[:MOST_VARIANTS]:
        shown[row.variant] = row.runs[0]
    return shown


def to_html_gallery(study: Study, folder: Path) -> str:
    """A section for each search that is shown: all of one variant, else the one that the first metric is about.

    Args:
        study: to show.
        folder: which the paths of its runs are relative to.

    Raises:
        CheckpointError: a file of a run is damaged.
    """
    shown = shown_runs(study)
    try:
        return _sections(study, shown, folder)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        files = ", ".join(str(run_at(folder, run).gallery) for run in shown.values())
        raise CheckpointError(
            f"{files}, or previews.json beside it, holds no galleries: {error!r}; {_REMEDY}"
        ) from error


def _sections(study: Study, shown: Mapping[str, str], folder: Path) -> str:
    found: dict[str, Mapping[str, StoredGallery]] = {}
    looks: dict[str, Any] = {}
    for variant, run in shown.items():
        files = run_at(folder, run)
        found[variant] = _read(files.gallery)
        looks |= _read(files.previews)
    sections = []
    for task in _shown_tasks(found, study.metrics[0].partition("/")[0]):
        galleries = {}
        for variant, tasks in found.items():
            if task in tasks:
                galleries[variant] = tasks[task]
        sections.append(_section(task, galleries, looks))
    return "\n".join(sections)


def _shown_tasks(found: Mapping[str, Mapping[str, StoredGallery]], main: str) -> list[str]:
    every: dict[str, StoredGallery] = {}
    for galleries in found.values():
        every |= galleries
    tasks = list(every)
    searching = sum(map(bool, found.values()))
    if searching < 2:
        return tasks
    # several variants below each other are long enough with one search
    return [main] if main in tasks else tasks[:1]


def _section(task: str, found: Mapping[str, StoredGallery], looks: Parts) -> str:
    first = next(iter(found.values()))
    queries = ""
    for query in first["queries"][:MOST_QUERIES]:
        queries += "\n" + _query(query, found, looks)
    note = (
        "Some queries, drawn at random before the search, and the best hits of the run of the first seed. "
        f"A hit is right if it has the query's label ({first['label']}); its score is beside it. "
        f"Of a query the model sees {_seen(first, 'query')}; of a hit, {_seen(first, 'gallery')}."
    )
    return f'<h2>Search examples: {escape(task)}</h2>\n<p class="note">{escape(note)}</p>{queries}'


def _seen(gallery: StoredGallery, side: str) -> str:
    return " + ".join(gallery.get(f"{side}_modalities") or ()) or "all that it has"


def _query(query: Mapping[str, Any], found: Mapping[str, StoredGallery], looks: Parts) -> str:
    """What every variant found for one query."""
    rows = []
    for variant, gallery in found.items():
        same = _same_query(query, gallery)
        if same is None:
            continue
        cards = [_query_card(query, looks)]
        cards.extend(_hit_card(hit, looks) for hit in same["hits"])
        # a single variant needs no name beside its cards
        name = f'<div class="who">{breakable(variant)}</div>' if len(found) > 1 else ""
        rows.append(f'<div class="found">{name}{"".join(cards)}</div>')
    return f'<div class="query">{"".join(rows)}</div>'


def _same_query(query: Mapping[str, Any], gallery: StoredGallery) -> Mapping[str, Any] | None:
    """The query as another variant searched with it; None if that one was shown other items."""
    for other in gallery["queries"]:
        if other["id"] == query["id"]:
            same: Mapping[str, Any] = other
            return same
    return None


def _query_card(query: Mapping[str, Any], looks: Parts) -> str:
    return f'<div class="card"><b>query: {escape(query["label"])}</b>{_look(query["id"], looks)}</div>'


def _hit_card(hit: Mapping[str, Any], looks: Parts) -> str:
    kind, mark = ("right", "✓") if hit["relevant"] else ("wrong", "✗")
    head = f"{mark} {escape(hit['label'] or '(no label)')} {hit['score']:.2f}"
    return f'<div class="card {kind}"><b>{head}</b>{_look(hit["id"], looks)}</div>'


def _look(item: str, looks: Parts) -> str:
    order = {kind: place for place, kind in enumerate(KINDS)}
    # a run of another version may hold other kinds: they come last
    parts = sorted(looks.get(item, ()), key=lambda part: order.get(part["kind"], len(order)))
    return "".join(map(_part, parts)) or f"<p>{escape(item)}</p>"


def _part(part: Mapping[str, Any]) -> str:
    kind, value, modality = part["kind"], part["value"], escape(part["modality"])
    if kind in _PICTURES:
        if not value.startswith("data:image/"):  # a stranger's run folder must not make the page fetch anything
            return f'<p title="{modality}">{modality}: not shown</p>'
        return f'<img alt="{modality}" title="{modality}" src="{escape(value)}">'
    if kind == "rows":
        pairs = ""
        for key, text in value:
            pairs += f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>"
        return f'<dl title="{modality}">{pairs}</dl>'
    text = value if kind == "words" else f"{part['modality']}: {value}"
    return f'<p title="{modality}">{escape(text)}</p>'


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_json(path, _REMEDY) if path.exists() else {}
    return found
