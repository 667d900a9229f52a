"""``m5kit data ACTION``: make a set to try m5kit on, import others', check, describe and pack one's own."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from m5kit.cli._data_import import add_import
from m5kit.cli._data_presence import presence_as_json, write_presence
from m5kit.cli._data_shards import add_prepare, add_verify
from m5kit.cli._data_stats import add_stats
from m5kit.cli.options import Verbs, add_actions
from m5kit.cli.output import write, write_json
from m5kit.data.remote.place import as_path, as_place

if TYPE_CHECKING:
    from m5kit.data.validate import ManifestCheck


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "data", help="make the demo set; import, check, describe or pack items", description=__doc__
    )
    actions = add_actions(parser)
    _add_make_demo(actions)
    add_import(actions)
    _add_validate(actions)
    add_stats(actions)
    add_prepare(actions)
    add_verify(actions)


def make_demo(options: argparse.Namespace) -> int:
    """Write the demo set and tell the next step."""
    from m5kit.data.demo import make_demo
    from m5kit.data.demo.plan import Rates

    annotations = make_demo(
        options.folder,
        items=options.items,
        seed=options.seed,
        rates=Rates(wrong=options.wrong_pairs),
        noise_modality=options.noise_modality,
        workers=options.workers,
    )
    write(
        f"{options.items} items are described in {annotations}; {options.folder / 'README.md'} says how they were made"
    )
    write(f"next: m5kit data validate {options.folder} --decode")
    return 0


def validate(options: argparse.Namespace) -> int:
    """Print every problem and what the set holds; 1 if there is a problem."""
    from m5kit.data.manifest_rows import MODALITIES
    from m5kit.data.validate import validate

    modalities = options.modalities.split(",") if options.modalities else MODALITIES
    found = validate(options.manifest, options.decode, modalities, options.follow_links)
    if options.json:
        write_json(_as_json(found))
    else:
        _print(found)
    return 1 if found.problems else 0


def _add_make_demo(actions: Verbs) -> None:
    parser = actions.add_parser(
        "make-demo", help="write the demo set", description="Write the demo set, an invented shop."
    )
    parser.add_argument("folder", metavar="DIR", type=as_path, help="a new or empty folder")
    parser.add_argument("--items", type=int, default=2000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything (default: %(default)s)")
    parser.add_argument("--wrong-pairs", type=float, default=0.05, metavar="SHARE", help="default: %(default)s")
    parser.add_argument("--noise-modality", metavar="MODALITY", help="a modality to fill with unrelated noise")
    parser.add_argument("--workers", type=int, help="processes (default: one a CPU); the result is the same")
    parser.set_defaults(run=make_demo)


def _add_validate(actions: Verbs) -> None:
    parser = actions.add_parser(
        "validate",
        help="check a manifest and its files",
        description="Print every problem with its line, and what the set holds; exit 1 if there is a problem.",
    )
    parser.add_argument(
        "manifest", metavar="MANIFEST", type=as_place, help="the file, or its folder, or the URL of one"
    )
    parser.add_argument("--decode", action="store_true", help="also decode every file: slow but certain")
    parser.add_argument("--follow-links", action="store_true", help="also read what links out of the folder lead to")
    parser.add_argument("--modalities", metavar="A,B", help="the keys that are modalities (default: the usual five)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=validate)


def _print(found: "ManifestCheck") -> None:
    from m5kit.data.remote.copies import shown

    for problem in found.problems:
        write(str(problem))
    if found.problems:
        write("")
    write_presence(found)
    for note in found.notes[:20]:
        write(f"odd: {note}")
    count = len(found.problems) or "no"
    write(f"\n{shown(found.path)}: {found.items} items, {count} problem{'s' if count != 1 else ''}")
    if set(found.splits) == {""}:
        write("no item has a split, and training looks for train: write the key split, or import with --split-by")
    elif not found.problems:
        folder = shown(found.path.parent)
        write(f"next: m5kit train products/pretrained --data {folder} (or products/small, which downloads nothing)")


def _as_json(found: "ManifestCheck") -> dict[str, Any]:
    return {
        "path": str(found.path),
        "items": found.items,
        "problems": [asdict(problem) for problem in found.problems],
        "odd": list(found.notes),
        **presence_as_json(found),
    }
