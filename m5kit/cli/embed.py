"""``m5kit embed RUN --data DIR --out FILE``: the embeddings of any items."""

import argparse
from pathlib import Path

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("embed", help="embed items", description="Write the embeddings of items to a file.")
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder of a training run")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with a manifest")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .parquet or .npz file to write")
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
    from m5kit.engine.embedding import TrainedRun
    from m5kit.evaluation.features import require_features_name

    require_features_name(options.out)
    trained = TrainedRun.open(options.run_folder, data=options.data)
    embedded = trained.embed_items(options.split, options.modalities, options.space)
    embedded.save(options.out)
    write(f"{len(embedded)} embeddings of width {embedded.vectors.shape[1]} in {options.out}")
    return 0
