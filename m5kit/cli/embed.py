"""``m5kit embed RUN --data DIR --out FILE``: the embeddings of any items."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write

if TYPE_CHECKING:
    from m5kit.api import Exporter


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("embed", help="embed items", description="Write the embeddings of items to a file.")
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder of a training run")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with a manifest")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file to write: .parquet, .npz, .faiss"
    )
    parser.add_argument("--as", dest="exporter", metavar="NAME", help="how to write it (default: as its name ends)")
    parser.add_argument(
        "--with",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an argument of the exporter (see: m5kit show exporters NAME)",
    )
    parser.add_argument("--split", type=words, metavar="A,B", help="splits to embed (default: all)")
    parser.add_argument("--modalities", type=words, metavar="A,B", help="let the model see only these")
    parser.add_argument(
        "--space",
        choices=("fused", "unscaled", "contrastive"),
        default="fused",
        help="contrastive is the one to search across modalities in",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Embed and write."""
    from m5kit.inference.trained_run import TrainedRun

    exporter = _exporter(options)
    exporter.check(options.out)
    trained = TrainedRun.open(options.run_folder, data=options.data)
    embedded = trained.embed_items(options.split, options.modalities, options.space)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    files = exporter.write(embedded, options.out)
    write(f"{len(embedded)} embeddings of width {embedded.vectors.shape[1]} in {' and '.join(map(str, files))}")
    return 0


def _exporter(options: argparse.Namespace) -> "Exporter":
    """The exporter that is named, or the one for the suffix of the file.

    Raises:
        ConfigError: none is, or it does not take a setting.
    """
    from m5kit.config.parts import Part, part_problems
    from m5kit.config.reader import read_value
    from m5kit.errors import ConfigError
    from m5kit.registry import EXPORTERS

    name = options.exporter or options.out.suffix.removeprefix(".")
    if options.exporter is None and name not in EXPORTERS.names():
        known = ", ".join(f".{each}" for each in EXPORTERS.names())
        raise ConfigError(
            [f"--out: no exporter for the suffix of {options.out.name!r}; use {known}, or name an exporter with --as"]
        )
    pairs = [setting.partition("=") for setting in options.settings]
    given = {"type": name, **{key: read_value(value, "--with").value for key, _, value in pairs}}
    problems = [f"{key}: {text}" for key, text in part_problems(Part("--with", EXPORTERS.family, given))]
    if problems:
        raise ConfigError(problems)
    exporter: Exporter = EXPORTERS.build(given)
    return exporter
