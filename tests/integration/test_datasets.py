"""Runs whose items come from elsewhere: a folder of classes, and a dataset in a local file."""

import json
from pathlib import Path

import pytest

from m5kit.evaluation.base import Embedded

CONFIGS = Path(__file__).parents[2] / "configs"
ONLY_TEXT = [f"encoder_{m}=none" for m in ("image", "video", "audio", "table")]

MINE = '''
import json
from pathlib import Path

from m5kit.api import DATASETS, Dataset, Sample


@DATASETS.register_module("backwards")
class Backwards(Dataset):
    """The items of a JSON Lines file from the last to the first."""

    def __init__(self, *, root: Path, columns: tuple[str, ...], train: float = 0.5) -> None:
        self.root = root
        self.columns, self.train = columns, train
        self.lines = (root / "annotations.jsonl").read_text(encoding="utf-8").splitlines()[::-1]

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        row = json.loads(self.lines[index])
        sources = {name: row[name] for name in self.columns if row.get(name)}
        return Sample("mine " + row["id"], sources, row["labels"], self.splits()[index])

    def splits(self):
        count = round(self.train * len(self))
        return ["train"] * count + ["test"] * (len(self) - count)

    def fingerprint(self):
        return {"items": len(self)}
'''


@pytest.mark.slow
def test_a_dataset_in_a_local_file(demo, tool, short, tmp_path):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    leaf = tmp_path / "leaf.yaml"
    leaf.write_text(
        f"_base_: {CONFIGS / 'demo/scale.yaml'}\nplugins: [./mine.py]\ndata: {{source: {{type: backwards}}}}\n"
    )
    run = tmp_path / "run"
    options = short(
        *ONLY_TEXT,
        "task_contrastive=none",
        "task_completion=none",
        "evaluation=none",
        "data.train=[train]",
        "data.source.train=0.75",
    )
    tool("tools/train.py", leaf, "--data", demo, "--run-dir", run, *options)
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["data"] == {"items": 120}
    assert provenance["plugins"][0]["key"] == "data.source"
    tool("tools/embed.py", run, "--data", demo, "--out", tmp_path / "items.npz", "--split", "test")
    embedded = Embedded.load(tmp_path / "items.npz")
    assert len(embedded) == 30
    assert all(name.startswith("mine ") for name in embedded.ids)


@pytest.mark.slow
def test_a_folder_of_classes_needs_no_manifest(tool, short, tmp_path):
    for split, count in (("train", 12), ("test", 6)):
        for number in range(count):
            path = tmp_path / "shop" / split / ("cup" if number % 2 else "bowl") / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"a nice {path.parent.name} of number {number} in many colours")
    options = short(
        *ONLY_TEXT,
        "task_contrastive=none",
        "task_completion=none",
        "evaluation=none",
        "data.train=[train]",
        "data.source.type=folder",
    )
    arguments = ["--data", tmp_path / "shop", "--run-dir", tmp_path / "run"]
    tool("tools/train.py", "demo/scale", *arguments, *options)
    tool("tools/embed.py", tmp_path / "run", "--data", tmp_path / "shop", "--out", tmp_path / "items.npz")
    embedded = Embedded.load(tmp_path / "items.npz")
    assert len(embedded) == 18
    assert set(embedded.labels["class"]) == {"bowl", "cup"}
