"""``m5kit export RUN --to FORMAT --out DIR``: writes a trained run for other tools."""

import argparse

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write
from m5kit.data.remote.place import as_path

FORMATS = ("folder", "sentence-transformers", "onnx")


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "export", help="write a run for other tools", description="Write a trained run for other tools, or to share it."
    )
    parser.add_argument("run_folder", metavar="RUN", type=as_path, help="folder of a training run")
    parser.add_argument(
        "--to",
        choices=FORMATS,
        default="folder",
        help="folder: what m5kit.load needs and a model card; sentence-transformers: opened by that library too; "
        "onnx: the embedder as a graph",
    )
    parser.add_argument(
        "--modalities", type=words, metavar="A,B", help="the only ones that a graph reads (with onnx; default: all)"
    )
    parser.add_argument("--out", type=as_path, required=True, metavar="DIR", help="a new or empty folder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder."""
    from m5kit.interchange.formats import writer
    from m5kit.public.loading import load

    write_run = writer(options.to, options.modalities)  # before the model is loaded: a library may be missing
    folder = write_run(load(options.run_folder), options.out)
    write(f"written to {folder}; read README.md there before you share it")
    return 0
