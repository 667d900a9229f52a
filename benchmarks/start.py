"""How much longer training takes to start on many rows than on a thousand: processor seconds and memory.

Run: python benchmarks/start.py --rows 1000000

Both sets are made up, texts and tables with one label. Each training makes one step in a process of its own. What is
compared is its processor time, which other processes change less than the clock's, and the most memory that it held.
"""

import argparse
import json
import random
import resource
import tempfile
from multiprocessing import get_context
from pathlib import Path

from _arguments import at_least

CONFIG = """
_base_: [input_text/small, input_table/small, model/small, encoder_text/compact, encoder_table/compact, fusion/scale,
  harmonizer/graph, weighting/everywhere, task_contrastive/infonce, task_masked_text/tokens, schedule/short]
data: {train: [train], workers: 0, label: kind}
encoder_text: {layers: 1}
encoder_table: {layers: 1}
schedule: {max_steps: 1, batch_size: 8}
"""


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=at_least(1), default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        took = {}
        for rows in (1000, options.rows, 1000):  # a thousand twice: how much one measurement is off
            data = Path(folder) / str(rows)
            processes.apply(write, (data, rows))
            took.setdefault(rows, []).append(processes.apply(train, (data,)))
    print("| rows | processor seconds | MiB at most |\n|--:|--:|--:|")
    for rows, measured in took.items():
        for seconds, memory in measured:
            print(f"| {rows:,} | {seconds:.1f} | {memory:,.0f} |")


def write(folder: Path, rows: int) -> None:
    """Write made-up rows and the config."""
    folder.mkdir(exist_ok=True)
    draw = random.Random(0)
    words = ["red", "blue", "mug", "bowl", "lamp", "chair", "large", "small", "soft", "oak"]
    with (folder / "annotations.jsonl").open("w") as file:
        for number in range(rows):
            row = {"id": f"item-{number:09d}", "split": "train" if number % 10 else "test"}
            row["text"] = " ".join(draw.choices(words, k=8))
            row["table"] = {"size": draw.randint(1, 90), "colour": draw.choice(words)}
            file.write(json.dumps({**row, "labels": {"kind": draw.choice(words)}}) + "\n")
    (folder / "leaf.yaml").write_text(CONFIG)


def train(folder: Path) -> tuple[float, float]:
    """Train one step; processor seconds and MiB."""
    from m5kit.cli import main as m5kit

    run = tempfile.mkdtemp(dir=folder)
    status = m5kit(["train", str(folder / "leaf.yaml"), "--data", str(folder), "--run-dir", run])
    assert status == 0
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
