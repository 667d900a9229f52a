"""``m5kit data stats MANIFEST``: what a manifest holds, as tables, JSON or one HTML page."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median_low
from typing import TYPE_CHECKING, Any

from m5kit.cli._data_presence import NONE, presence_as_json, write_presence
from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write, write_json, write_table
from m5kit.data.remote.place import as_path, as_place

if TYPE_CHECKING:
    from m5kit.data.stats import Shared, Stats


def add_stats(actions: Verbs) -> None:
    """Add the action."""
    parser = actions.add_parser("stats", help="count what a manifest holds", description=__doc__)
    parser.add_argument(
        "manifest", metavar="MANIFEST", type=as_place, help="the file, or its folder, or the URL of one"
    )
    parser.add_argument("--media", action="store_true", help="also sizes and durations, from the heads of the files")
    parser.add_argument("--hash", action="store_true", help="also contents that two splits share: reads every file")
    parser.add_argument("--html", type=as_path, metavar="FILE", help="also write a page with plots")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--modalities", metavar="A,B", help="the keys that are modalities (default: the usual five)")
    parser.set_defaults(run=stats)


def stats(options: argparse.Namespace) -> int:
    """Count, print, and write the page if one is asked for."""
    from m5kit.data.manifest_rows import MODALITIES
    from m5kit.data.outputs import require_own_file
    from m5kit.data.stats import describe

    if options.html:
        require_own_file(options.html, options.manifest)
    modalities = words(options.modalities or "") or MODALITIES
    found = describe(options.manifest, media=options.media, contents=options.hash, modalities=modalities)
    if options.json:
        write_json(_as_json(found))
    else:
        _print(found)
    if options.html:
        from m5kit.report.data_page import write_page

        write_page(found, options.html)
        if not options.json:
            write(f"\nthe page is {options.html}")
    return 0


def _print(found: "Stats") -> None:
    write_presence(found)
    if found.labels:
        write("")
        tails = [[name, *_tail(counts).values()] for name, counts in found.labels.items()]
        write_table(["label", *_tail({"": 1})], tails)
    if found.spreads:
        write("")
        rows = []
        for spread in found.spreads:
            numbers = [_rounded(value) for value in spread.summary.values()]
            rows.append([f"{spread.modality} {spread.unit}", *numbers])
        write_table(["lengths and sizes", *found.spreads[0].summary], rows)
    for modality, count in found.unreadable.items():
        write(f"{modality}: {count} files are missing or cannot be read; m5kit data validate names them")
    if found.shared is not None:
        _print_shared(found.shared)


def _rounded(value: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _print_shared(shared: "Sequence[Shared]") -> None:
    write("")
    if not shared:
        write("no two splits share a content")
        return
    rows = []
    for each in shared:
        first, second = (split or NONE for split in each.splits)
        rows.append([each.modality, first, second, each.contents])
    write_table(["shared content", "split", "and split", "contents"], rows)


def _tail(counts: Mapping[str, int]) -> dict[str, Any]:
    """The long tail of a label."""
    sizes = list(counts.values())
    return {"classes": len(sizes), "largest": max(sizes), "median": median_low(sizes), "singletons": sizes.count(1)}


def _as_json(found: "Stats") -> dict[str, Any]:
    return {
        "path": str(found.path),
        "items": found.items,
        **presence_as_json(found),
        "labels": {name: {**_tail(counts), "counts": counts} for name, counts in found.labels.items()},
        "properties": dict(found.properties),
        "spreads": {f"{s.modality} {s.unit}": s.summary for s in found.spreads},
        "unreadable": dict(found.unreadable),
        "shared": None if found.shared is None else [asdict(shared) for shared in found.shared],
    }
