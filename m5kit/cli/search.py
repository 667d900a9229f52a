"""``m5kit search INDEX --MODALITY VALUE ... [--where FILTER]``: finds items by any mixture of modalities."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from m5kit.cli._parser import Parser
from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write, write_json, write_table

if TYPE_CHECKING:
    from m5kit.index.hits import Hit
    from m5kit.index.index import Index

SHOWN = 4
"""Properties of a hit that fit beside each other."""
LETTERS = 40
"""Of a text."""


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "search",
        help="search an index",
        description="Find items by any mixture of modalities and properties. Which modalities there are, the index "
        "knows: m5kit search INDEX --help lists them.",
        usage="m5kit search INDEX [--MODALITY VALUE ...] [--like ID] [--where FILTER] [--top N] [--json]",
        add_help=False,
    )
    # Behind an index the word belongs to the query, whose options only the index knows.
    parser.add_argument("-h", "--help", action="store_true", dest="asks_for_help", help="show this text")
    parser.add_argument("index", metavar="INDEX", nargs="?", help="what m5kit index wrote")
    parser.add_argument("query", nargs=argparse.REMAINDER, help="what to search for")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Search, and print what was found."""
    if options.index is None or options.asks_for_help:
        options.parser.print_help()
        return 0
    from m5kit.index.index import Index

    index = Index.open(options.index)
    asked = _query_parser(index).parse_args(options.query)
    item = {}
    for name, kind in index.about.modalities.items():
        value = getattr(asked, f"value_{name}")
        if value is not None:
            item[name] = _table(name, value) if kind == "rows" else value
    weights = dict(map(_weight, asked.weights))
    hits = index.search(item or None, like=asked.like, weights=weights, where=asked.where, top=asked.top)
    if asked.json:
        write_json([hit.as_json() for hit in hits])
    else:
        _show(hits, index)
    return 0


def _query_parser(index: "Index") -> argparse.ArgumentParser:
    """The options of a search of this index: one for each modality that its run reads."""
    from m5kit.index.where import describe

    parser = Parser(prog=f"m5kit search {index.store.place}", description="Find items.")
    about = {"words": "words to search for", "rows": "properties, as KEY=VALUE,KEY=VALUE or JSON", "media": "a file"}
    for name, kind in index.about.modalities.items():
        metavar = {"words": "WORDS", "rows": "PROPERTIES", "media": "FILE"}[kind]
        parser.add_argument(f"--{name}", dest=f"value_{name}", metavar=metavar, help=about[kind])
    parser.add_argument("--like", metavar="ID", help="an item of the index: more like this one")
    parser.add_argument(
        "--weight", dest="weights", action="append", default=[], metavar="MODALITY=NUMBER", help="from 0 to 1"
    )
    columns = describe(index.about.filters).replace("%", "%%")  # argparse fills in what follows a %
    parser.add_argument(
        "--where", default="", metavar="FILTER", help=f"such as \"price < 20 and colour = 'red'\"; {columns}"
    )
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many hits (default: 10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _weight(text: str) -> tuple[str, float]:
    """``words=0.5`` as a pair.

    Raises:
        QueryError: it is not that.
    """
    from m5kit.errors import QueryError

    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError as error:
        raise QueryError(f"--weight: expected MODALITY=NUMBER, got {text!r}") from error


def _table(name: str, text: str) -> Mapping[str, Any]:
    """Properties of one option.

    Raises:
        QueryError: neither JSON nor pairs.
    """
    from m5kit.config.reader import read_value
    from m5kit.data.json_values import parse_json
    from m5kit.errors import QueryError

    if text.lstrip().startswith("{"):
        try:
            found: Mapping[str, Any] = parse_json(text)
        except ValueError as error:
            raise QueryError(f"--{name}: cannot read the JSON: {error}") from error
        return found
    pairs = [each.partition("=") for each in words(text)]
    if not all(key and value for key, _, value in pairs):
        raise QueryError(f"--{name}: expected KEY=VALUE,KEY=VALUE, got {text!r}")
    return {key.strip(): read_value(value.strip(), f"--{name}").value for key, _, value in pairs}


def _show(hits: Sequence["Hit"], index: "Index") -> None:
    """A table of the hits; a column of shares for each part of the query, where it had several."""
    if not hits:
        write("nothing found")
        return
    spoken = [name for name, kind in index.about.modalities.items() if kind == "words"]
    shared = list(hits[0].shares) if len(hits[0].shares) > 1 else []
    rows = []
    for hit in hits:
        score = "" if hit.score is None else f"{hit.score:.3f}"
        shares = [f"{hit.shares[name]:.0%}" for name in shared]
        rows.append([hit.row.id, score, *shares, _title(hit, spoken), _properties(hit)])
    write_table(["id", "score", *shared, "title", "properties"], rows)


def _title(hit: "Hit", spoken: Sequence[str]) -> str:
    """The words of an item, cut to what fits into a line."""
    title = " ".join(str(hit.row.sources[name]) for name in spoken if name in hit.row.sources)
    return title if len(title) <= LETTERS else f"{title[: LETTERS - 1]}…"


def _properties(hit: "Hit") -> str:
    from m5kit.index.columns import as_text

    first = list(hit.row.values.items())[:SHOWN]
    return ", ".join(f"{name}={as_text(value)}" for name, value in first)
