"""The how-to about several files of a modality, run from its first command to vectors."""

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m5kit.data.manifest import read_manifest

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "several-files.md"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Twelve products with pictures from two sides, in the forms that the how-to imports."""
    folder = tmp_path_factory.mktemp("shop")
    random, rows, cells = np.random.default_rng(0), [], []
    (folder / "photos" / "mug").mkdir(parents=True)
    for number in range(12):
        names = [f"{number}-{side}.jpg" for side in ("front", "back")]
        for place, name in enumerate(names):
            picture = Image.fromarray(random.integers(0, 255, (40, 40, 3)).astype(np.uint8))
            picture.save(folder / name)
            picture.save(folder / "photos" / "mug" / f"{number}.{place}.jpg")
        split = "test" if number % 3 == 0 else "train"
        rows.append({"id": str(number), "split": split, "front": names[0], "back": names[1], "title": f"mug {number}"})
        cells.append({"id": str(number), "split": split, "pictures": "|".join(names), "title": f"mug {number}"})
    for name, table in (("shop", rows), ("cells", cells)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    return folder


@pytest.fixture(scope="module")
def said(tool, workplace):
    """What each command of the how-to says."""
    found = {}
    for command in re.findall(r"^\$ m5kit (.+)$", HOWTO.read_text(encoding="utf-8"), re.MULTILINE):
        found[command] = tool("-m", "m5kit", *shlex.split(command), cwd=workplace).stdout
    return found


def test_every_import_gives_items_of_two_pictures(said, workplace):
    for folder in ("shop", "cells", "views", "shop.shards"):
        assert [len(item.sources["image"]) for item in read_manifest(workplace / folder)] == [2] * 12
    stats = next(text for command, text in said.items() if "stats" in command)
    assert re.search(r"image +values", stats)


@pytest.mark.slow
def test_shards_train_and_embed_as_the_files_do_and_a_damaged_picture_loses_nobody(tool, said, workplace, tmp_path):
    settings = ["schedule.max_steps=2", "data.workers=0", "model.dim=16", "model.features=8", "schedule.batch_size=4"]
    short = [part for setting in settings for part in ("--set", setting)]
    for data in ("shop", "shop.shards"):
        run = tmp_path / f"run-{data}"
        tool("-m", "m5kit", "train", "products/small", "--data", workplace / data, "--run-dir", run, *short)
    logs = [(tmp_path / f"run-{data}" / "metrics.jsonl").read_text() for data in ("shop", "shop.shards")]
    losses = [[json.loads(line).get("loss") for line in log.splitlines()] for log in logs]
    assert losses[0] == losses[1]
    (workplace / "0-back.jpg").write_bytes(b"damaged")
    run, out = tmp_path / "run-shop", tmp_path / "v.npz"
    tool("-m", "m5kit", "embed", run, "--data", workplace / "shop", "--split", "test", "--out", out)
    assert np.load(out)["vector"].any(1).all()
    rows = [json.loads(line) for line in (run / "failures.jsonl").read_text().splitlines()]
    assert [(row["id"], row["value"], row["lost"]) for row in rows] == [("0", 1, False)]
