"""``m5kit embed RUN --data DIR --out FILE``: writes the embeddings of any items."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from m5kit.cli._imports import import_quickly
from m5kit.cli.options import Verbs, add_engine, add_permissions, chosen_names, words
from m5kit.cli.output import write
from m5kit.data.remote.place import absolute, as_path, as_place

if TYPE_CHECKING:
    from m5kit.api import Embedded, Exporter
    from m5kit.config import RunConfig


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("embed", help="embed items", description="Write the embeddings of items to a file.")
    parser.add_argument("run_folder", metavar="RUN", type=as_path, help="folder of a training run")
    parser.add_argument("--data", type=as_place, required=True, metavar="DIR", help="folder with a manifest")
    parser.add_argument(
        "--out", type=as_path, required=True, metavar="FILE", help="the file to write; its suffix names the exporter"
    )
    parser.add_argument(
        "--as", dest="exporter", metavar="NAME", help="the exporter (default: the one for the file's suffix)"
    )
    parser.add_argument(
        "--with",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an argument of the exporter (see: m5kit show exporters NAME)",
    )
    parser.add_argument("--split", type=chosen_names, metavar="A,B", help="splits to embed (default: all)")
    parser.add_argument("--modalities", type=words, metavar="A,B", help="the only modalities that the model sees")
    parser.add_argument(
        "--space",
        default="item",
        metavar="NAME",
        help="which embedding: item (default), the name of a modality, contrastive, fused or unscaled",
    )
    add_engine(parser)
    add_size(parser)
    add_permissions(parser)
    parser.set_defaults(run=run)


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how large vectors are."""
    parser.add_argument("--width", type=int, metavar="N", help="numbers that are kept of a vector (default: all)")
    parser.add_argument(
        "--precision",
        default="float32",
        metavar="NAME",
        help="of the numbers: float32 (default), float16, int8 or binary",
    )


def run(options: argparse.Namespace) -> int:
    """Embed the items; of several processes the first one writes the file."""
    exporter = _exporter(options)
    exporter.check(options.out)  # before the model is loaded and hours are spent
    _check_size(options, exporter)
    from m5kit.exporters.placing import export, require_place

    require_place(options.out, options.data)
    embedded = _embed(options)
    if embedded is None:
        return 0
    embedded = _with_contents(embedded)
    files = export(exporter, embedded, options.out)
    write(f"{len(embedded)} embeddings of width {embedded.vectors.shape[1]} in {' and '.join(map(str, files))}")
    return 0


def _embed(options: argparse.Namespace) -> "Embedded | None":
    """The embeddings, as short as asked for; None in all but the first of several processes."""
    from m5kit.inference.shortening import is_nested, shorten

    config, found = _on_ray(options) if options.engine == "ray" else _here(options)
    if found is None:
        return None
    vectors = shorten(found.vectors, options.width, options.precision, is_nested(config, options.space))
    return replace(found, vectors=vectors, precision=options.precision)


def _here(options: argparse.Namespace) -> "tuple[RunConfig, Embedded | None]":
    import_quickly("m5kit.inference.trained_run")
    from m5kit.inference.trained_run import WAIT, TrainedRun
    from m5kit.parallel.start import start_group

    group = start_group(WAIT)
    with group.joined():
        trained = TrainedRun.open(options.run_folder, data=options.data, group=group)
        return trained.config, trained.embed_items(options.split, options.modalities, options.space)


def _on_ray(options: argparse.Namespace) -> "tuple[RunConfig, Embedded]":
    from m5kit.inference.ray_embedding import Opening, embed_on_ray

    data = None if options.data is None else absolute(options.data)
    opening = Opening(options.run_folder.absolute(), data)
    return embed_on_ray(opening, options.split, options.modalities, options.space)


def _check_size(options: argparse.Namespace, exporter: "Exporter") -> None:
    """Refuse a size before anything is embedded.

    Raises:
        ConfigError: there is none such, or the exporter cannot write it.
    """
    from m5kit.errors import ConfigError
    from m5kit.evaluation.precision import check_size

    check_size(options.space, options.width, options.precision)
    if options.precision not in exporter.precisions:
        can = ", ".join(exporter.precisions)
        raise ConfigError([f"--precision: {options.out.suffix} files hold {can}, not {options.precision}"])


def _with_contents(embedded: "Embedded") -> "Embedded":
    """The items that have anything: a vector of zeros says nothing, and would be found by any search.

    Raises:
        DataError: none has.
    """
    from m5kit.errors import DataError

    empty = embedded.ids[~embedded.seen].tolist()
    if not empty:
        return embedded
    problem = f"{len(empty)} of {len(embedded)} items have nothing that the vectors are made of, such as {empty[0]}"
    if len(empty) == len(embedded):
        raise DataError(f"{problem}; nothing was written")
    write(f"{problem}; they are left out")
    return embedded.select(embedded.seen)


def _exporter(options: argparse.Namespace) -> "Exporter":
    """The exporter named with ``--as``, or the one for the suffix of the file.

    Raises:
        ConfigError: there is none, or it does not accept a setting.
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
    given: dict[str, Any] = {"type": name}
    for setting in options.settings:
        key, _, value = setting.partition("=")
        given[key] = read_value(value, "--with").value  # typed as in a config: 3 is a number
    problems = list(part_problems(Part("--with", EXPORTERS.family, given)))
    if problems:
        raise ConfigError([f"{key}: {text}" for key, text in problems])
    exporter: Exporter = EXPORTERS.build(given)
    return exporter
