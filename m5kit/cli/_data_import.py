"""``m5kit data import KIND SOURCE OUT``: make a manifest of items in another format."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write, write_table
from m5kit.data.importers import FEATURES, FORMATS, SOURCES
from m5kit.data.remote.place import as_path
from m5kit.errors import DataError

if TYPE_CHECKING:
    from m5kit.data.importers.report import ImportReport


def add_import(actions: Verbs) -> None:
    """Add the action and its kinds."""
    parser = actions.add_parser("import", help="make a manifest of items in another format", description=__doc__)
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)
    for kind in SOURCES:
        _add_source(kinds, kind)
    _add_m5product(kinds)


def import_source(options: argparse.Namespace) -> int:
    """Import, and report the result."""
    from m5kit.data.importers.columns import ColumnMapping
    from m5kit.data.importers.run import import_source

    columns = ColumnMapping(
        modalities={modality: words(names) for modality, names in _pairs("--map", options.map).items()},
        table=options.table,
        values=options.values,
        several=options.several,
        separator=options.separator,
        numbers=options.number,
        decimal_comma=options.decimal_comma,
        extra=options.extra,
        labels=_pairs("--label", options.label),
        id=options.id,
        split=options.split,
        shares=_shares(options.split_by),
        seed=options.seed,
    )
    report = import_source(
        options.kind,
        options.source,
        options.out,
        columns,
        media=options.media,
        copy=options.copy,
        format=options.format,
        delimiter={"tab": "\t"}.get(options.delimiter, options.delimiter),
        quotes=options.quotes,
        follow_links=options.follow_links,
        encoding=options.encoding,
    )
    print_report(report)
    return 0


def import_m5product(options: argparse.Namespace) -> int:
    """Import M5Product, and report the result."""
    from m5kit.data.importers.m5product import M5Product, import_m5product

    # --images is the folder of image files, and so on
    folders = {name: getattr(options, name) for name in ("images", "videos", "audios")}
    features = {modality: getattr(options, f"{modality}_features") for modality in FEATURES}
    data = M5Product(
        metadata=options.metadata,
        media={name.removesuffix("s"): folder for name, folder in folders.items() if folder},
        features={modality: folder for modality, folder in features.items() if folder},
        regions=options.regions,
        splits={split: Path(path) for split, path in _pairs("--split", options.split).items()},
        rest=options.rest,
        instances=options.instances,
        label_map=options.label_map,
        label_list=options.label_list,
    )
    print_report(import_m5product(data, options.out, copy=options.copy, format=options.format))
    return 0


def print_report(report: "ImportReport") -> None:
    """Print what was imported, what was written otherwise than the source has it, and what was left out."""
    write_table(["split", "items"], [[split or "(none)", count] for split, count in sorted(report.splits.items())])
    write("")
    write_table(["modality", "items"], sorted(report.presence.items()))
    _print_counts("changed", report.changed, report)
    _print_counts("odd", report.noticed, report)
    _print_counts("left out", report.left_out, report)
    _print_counts("passed over", report.passed_over, report)
    for what, count in sorted(report.missing.items()):
        write(f"not found, {what}: {count} (listed in {report.path.parent / 'missing.tsv'})")
        if what in report.examples:
            write(f"  such as {report.examples[what]}")
    for note in report.notes:
        write(note)
    for warning in report.warnings:
        write(f"WARNING: {warning}")
    if set(report.splits) == {""}:
        write(
            "WARNING: no item has a split, and training looks for the split train; --split-by train=0.8,test=0.2 draws"
        )
    if report.rows:
        write(f"rows read: {report.rows}")
    write(f"\n{report.items} items are described in {report.path}")
    write(f"next: m5kit data validate {report.path.parent}")


def _print_counts(heading: str, counts: Mapping[str, int], report: "ImportReport") -> None:
    for what, count in sorted(counts.items()):
        example = f" (such as {report.examples[what]})" if what in report.examples else ""
        write(f"{heading}, {what}: {count}{example}")


def add_format(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--format``."""
    parser.add_argument("--format", choices=FORMATS, default=default, help="of the manifest (default: %(default)s)")


KINDS = {
    "csv": "a .csv or .tsv file, also .gz",
    "parquet": "a .parquet file, or a folder of them",
    "huggingface": "a folder that datasets.save_to_disk wrote",
    "webdataset": "a tar file of shards, or a folder of them",
    "folder": "folders of files: CLASS/NAME.jpg or SPLIT/CLASS/NAME.jpg",
}
"""What SOURCE is, of each kind."""


def _add_source(kinds: Verbs, kind: str) -> None:
    what = KINDS[kind]
    parser = kinds.add_parser(kind, help=what, description=f"Make a manifest of {what}. See docs/howto/import-data.md.")
    parser.add_argument("source", metavar="SOURCE", type=as_path, help=what)
    parser.add_argument("out", metavar="OUT", type=as_path, help="folder of the new manifest")
    _add_columns(parser.add_argument_group("which columns make an item").add_argument)
    _add_splits(parser.add_argument_group("splits").add_argument)
    _add_media(parser.add_argument_group("media").add_argument)
    if kind == "csv":
        _add_spelling(parser.add_argument_group("how the file is written").add_argument)
    else:
        parser.set_defaults(delimiter=None, quotes=None, encoding=None)
    add_format(parser, "jsonl")
    parser.set_defaults(run=import_source, kind=kind)


def _add_columns(add: Callable[..., Any]) -> None:
    add(
        "--map",
        action="append",
        default=[],
        metavar="MODALITY=COLUMN",
        help="the column of a modality, such as image=photo; of several columns, text=title,name, the first that has "
        "a value; repeatable",
    )
    _add_list(add, "--table", "COL,COL", "columns that become properties of the item's table")
    _add_list(add, "--number", "COL,COL", "columns of --table that hold numbers")
    add("--decimal-comma", action="store_true", help="these numbers are written as in 1.234,5")
    add("--label", action="append", default=[], metavar="LABEL=COLUMN", help="what evaluation asks for; repeatable")
    add("--id", metavar="COLUMN", help="default: the column id, else the row's number")
    _add_list(add, "--extra", "COL,COL", "columns that the manifest keeps for other programs")
    _add_list(
        add,
        "--several",
        "MODALITY,..",
        "modalities of which an item has all values and not the first alone, such as pictures from several "
        "sides: from every column of --map, from lists, and from files called NAME.0.jpg, NAME.1.jpg",
    )
    add("--separator", metavar="SIGNS", help="what stands between several values in one cell, such as '|'")
    _add_list(add, "--values", "MODALITY,..", "further modalities whose columns hold values, not paths")


def _add_list(add: Callable[..., Any], option: str, metavar: str, about: str) -> None:
    """An option that takes words joined by commas; given again, it adds to them."""
    add(option, action="extend", type=words, default=[], metavar=metavar, help=about)


def _add_splits(add: Callable[..., Any]) -> None:
    add("--split", metavar="COLUMN", help="default: the column split, if there is one")
    add("--split-by", metavar="SHARES", help="draw splits by id, such as train=0.8,query=0.1,gallery=0.1")
    add("--seed", type=int, default=0, help="of that draw (default: %(default)s)")


def _add_media(add: Callable[..., Any]) -> None:
    add("--media", type=as_path, metavar="DIR", help="folder that paths are relative to (default: the source's own)")
    add("--copy", action="store_true", help="copy media; without it one link to their folder is made")
    add("--follow-links", action="store_true", help="also take what links out of the folder lead to")


def _add_spelling(add: Callable[..., Any]) -> None:
    add("--delimiter", metavar="SIGN", help="between columns, such as ';' or tab (default: tab in .tsv, else ',')")
    add("--encoding", metavar="NAME", help="such as cp1252 or gb18030 (default: UTF-8)")
    add(
        "--quotes",
        action=argparse.BooleanOptionalAction,
        help="whether cells may stand in quotation marks (default: not in .tsv)",
    )


def _add_m5product(kinds: Verbs) -> None:
    text = "Make a manifest of M5Product's own files, read as streams."
    parser = kinds.add_parser("m5product", help="the files of the M5Product release", description=text)
    parser.add_argument("out", metavar="OUT", type=as_path, help="folder of the new manifest")
    add = parser.add_argument
    add("--metadata", type=as_path, required=True, metavar="FILE", help="JSON object: product id → record")
    for name, suffix in (("images", "jpg"), ("videos", "mp4"), ("audios", "mp3")):
        add(f"--{name}", type=as_path, metavar="DIR", help=f"folder of ID.{suffix}")
    add("--regions", type=as_path, nargs="+", default=[], metavar="TSV", help="region features, in place of --images")
    add("--video-features", type=as_path, metavar="DIR", help="folder of ID.npy, in place of --videos")
    add("--audio-features", type=as_path, metavar="DIR", help="folder of ID.npy, in place of --audios")
    add("--split", action="append", default=[], metavar="SPLIT=FILE", help="a list of ids; repeatable")
    add("--rest", metavar="SPLIT", help="split of products in no list (default: they are left out)")
    add("--instances", type=as_path, metavar="FILE", help="JSON object: product id → instance, the label fine")
    add("--label-map", type=as_path, metavar="FILE", help="JSON object: label → the label that takes its place")
    add("--label-list", type=as_path, metavar="FILE", help="JSON list of labels in the order of their class numbers")
    add("--copy", action="store_true", help="copy files; without it their folders are linked")
    add_format(parser, "arrow")
    parser.set_defaults(run=import_m5product)


def _shares(text: str | None) -> dict[str, float]:
    try:
        return {split: float(share) for split, share in _pairs("--split-by", words(text or "")).items()}
    except ValueError:
        raise DataError(f"--split-by {text!r}: expected shares such as train=0.8,test=0.2") from None


def _pairs(option: str, texts: Sequence[str]) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise DataError(f"{option} {name + sign + value!r}: expected NAME=VALUE")
    found = {name: value for name, _, value in pairs}
    if len(found) < len(pairs):
        raise DataError(f"{option} names {_first_twice([name for name, _, _ in pairs])} twice; only one can count")
    return found


def _first_twice(names: Sequence[str]) -> str:
    return next(name for place, name in enumerate(names) if name in names[:place])
