"""``m5kit index RUN --data DIR --out INDEX``: builds an index that ``m5kit search`` and ``m5kit serve`` open."""

import argparse

from m5kit.cli.options import Verbs, chosen_names, words
from m5kit.cli.output import write
from m5kit.data.remote.place import as_path, as_place


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "index",
        help="index items to search them",
        description="Embed items and keep them in a vector store, beside labels and properties to filter by.",
    )
    parser.add_argument("run_folder", metavar="RUN", type=as_path, help="folder of a training run")
    parser.add_argument(
        "--data", type=as_place, metavar="DIR", help="folder with a manifest (default: that of the run)"
    )
    parser.add_argument(
        "--out", required=True, metavar="INDEX", help="a folder, or an address in an object store (s3://BUCKET/NAME)"
    )
    parser.add_argument("--split", type=chosen_names, metavar="A,B", help="splits to index (default: all)")
    parser.add_argument("--modalities", type=words, metavar="A,B", help="the only modalities that the model sees")
    parser.add_argument(
        "--space", metavar="NAME", help="which vector of an item: item (default), contrastive, the name of a modality"
    )
    parser.add_argument("--width", type=int, metavar="N", help="numbers that are kept of a vector (default: all)")
    parser.add_argument(
        "--precision",
        choices=("float32", "float16", "int8", "binary"),
        help="of the stored numbers (default: float32); int8 and binary ones are found by signs and ranked again",
    )
    parser.add_argument(
        "--update", action="store_true", help="add the items to an index that is there, or replace those of the same id"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build the index, or add to it."""
    from m5kit.evaluation.precision import check_size

    check_size(options.space or "item", options.width, options.precision or "float32")
    from m5kit.index.index import Index

    if options.update:
        _update(options)
        return 0
    index = Index.build(
        options.out,
        options.run_folder,
        data=options.data,
        splits=options.split,
        modalities=options.modalities,
        space=options.space or "item",
        width=options.width,
        precision=options.precision or "float32",
        say=write,
    )
    names = ", ".join(column.name for column in index.about.filters)
    write(f"{len(index):,} items of width {index.about.width} in {options.out}; columns to filter by: {names}")
    # words are what a person types first
    spoken = [name for name, kind in index.about.modalities.items() if kind == "words"]
    write(f"next: m5kit search {options.out} --{[*spoken, *index.inputs][0]} ...  or  m5kit serve {options.out}")
    return 0


def _update(options: argparse.Namespace) -> None:
    """Add to an index.

    Raises:
        ConfigError: an option that the index decides.
        DataError: there is no index, or another run built it.
    """
    from dataclasses import replace

    from m5kit.errors import ConfigError
    from m5kit.index.identity import fingerprint
    from m5kit.index.index import Index

    fixed = [name for name in ("modalities", "space", "width", "precision") if getattr(options, name)]
    if fixed:
        raise ConfigError([f"--{name}: an index keeps what it was built with; leave it out" for name in fixed])
    index = Index.open(options.out)
    given = str(options.run_folder.resolve())
    index.about.require_same(replace(index.about, run=given, fingerprint=fingerprint(options.run_folder)))
    index.update(data=options.data, splits=options.split, say=write)
    write(f"{len(index):,} items in {options.out}")
