r"""Turn a run's fixed statistics into given features, to compare training on features with the features alone.

Run: m5kit train configs/real/spin.yaml --data DIR/spin --run-dir runs/spin \
         --set schedule.max_steps=1 --set evaluation=none
     python benchmarks/given.py runs/spin --leaf real/spin --out given/spin
     m5kit train given/spin/config.yaml --data given/spin --run-dir runs/given-spin

The last command reports each metric of a modality twice: ``NAME`` after training, ``NAME_given`` of the features alone.
Of the run, only what its descriptors learned from the corpus is used. Splits, labels and texts are those of its data.
"""

import argparse
import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import yaml

from m5kit.config.roots import find_config
from m5kit.data.decode.features import Features, write_pack
from m5kit.errors import M5KitError
from m5kit.evaluation.request import Request
from m5kit.inference.trained_run import TrainedRun

USUAL = ("image", "video", "audio")


def statistics(run: TrainedRun, modality: str, splits: list[str]) -> dict[str, Features]:
    """By id, the unit vector of an item's fixed statistics; only of items that have the modality."""
    vectors = run.model.backbone.vectors
    width = vectors.descriptors[modality].width
    first = vectors.widths[modality] - width  # what was read of the tokens comes before them
    found = {}
    for embedded in run.embed([Request(split, (modality,), modality) for split in splits]).values():
        for identity, vector in zip(embedded.ids, embedded.vectors[:, first : first + width], strict=True):
            length = np.linalg.norm(vector)
            if length > 0:
                found[identity] = Features((vector / length)[None].astype(np.float32))
    return found


def leaf(base: str, widths: dict[str, int]) -> dict:
    """The config ``base`` with the modalities of ``widths`` given as features."""
    config: dict = {"_base_": [base]}
    for modality, width in widths.items():
        transform = {"type": "features", "width": width, "max_tokens": 1}
        config[f"input_{modality}"] = {"_replace_": True, "decoder": {"type": "features"}, "transform": transform}
        config[f"encoder_{modality}"] = {"_replace_": True, "type": "features", "layers": 1}
        config[f"descriptor_{modality}"] = config[f"readout_{modality}"] = "none"
    return config


def chosen(wanted: list[str] | None, known: Collection[str]) -> list[str]:
    """The modalities whose statistics become features."""
    strange = [modality for modality in wanted or () if modality not in known]
    if strange:
        has = ", ".join(known) or "none"
        raise M5KitError(f"--modalities: the run has no fixed statistics of {', '.join(strange)}; it has: {has}")
    return wanted or [modality for modality in USUAL if modality in known]


def main() -> None:
    """Write the features, a manifest that names them and a config that reads them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--leaf", required=True, help="the config that the new one is based on")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--modalities", nargs="+", help=f"default: those of {', '.join(USUAL)} that it has")
    arguments = parser.parse_args()
    run = TrainedRun.open(arguments.run, untrained=True, overrides=["data.workers=0"])
    statistics_of = chosen(arguments.modalities, run.model.backbone.vectors.descriptors)
    find_config(arguments.leaf)
    rows = [json.loads(line) for line in (Path(run.config.data.root) / "annotations.jsonl").read_text().splitlines()]
    splits, widths = sorted({row["split"] for row in rows}), {}
    arguments.out.mkdir(parents=True)
    for modality in statistics_of:
        features = statistics(run, modality, splits)
        write_pack(arguments.out / modality, features)
        widths[modality] = run.model.backbone.vectors.descriptors[modality].width
        for row in rows:
            row[modality] = f"{modality}#{row['id']}" if row["id"] in features else None
    manifest = "".join(json.dumps(row) + "\n" for row in rows)
    (arguments.out / "annotations.jsonl").write_text(manifest, encoding="utf-8")
    (arguments.out / "config.yaml").write_text(yaml.safe_dump(leaf(arguments.leaf, widths)), encoding="utf-8")


if __name__ == "__main__":
    main()
