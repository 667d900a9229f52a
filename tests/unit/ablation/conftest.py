"""A trial that trains nothing: it computes its figures from its seed and takes a moment."""

import sys
from pathlib import Path

import pytest

FAKE = """
import json, sys, time
from pathlib import Path

run, variant, seed, pause = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
run.mkdir()
(run / "begun").write_text("half a run")
print("training")
time.sleep(pause)
if variant == "broken":
    sys.exit("error: the harmonizer fell out of tune\\nhint: tune it")
value = len(variant) / 10 + seed / 100
(run / "metrics.jsonl").write_text("".join(
    json.dumps({"step": step, "loss/contrastive": 1 / step, "weight/a": value}) + "\\n" for step in (1, 2, 3)))
(run / "results.json").write_text(json.dumps(
    {"results": {"coarse": {"mrr@10": {"value": value, "chance": 0.1}}}, "skipped": {}}))
"""


@pytest.fixture(scope="session")
def fake_train(tmp_path_factory):
    """Gives the command of a fake training: run folder, variant, seed, seconds to sleep."""
    script = tmp_path_factory.mktemp("fake") / "train.py"
    script.write_text(FAKE)

    def command(run: Path, variant: str, seed: int, pause: float = 0.0) -> list[str]:
        return [sys.executable, "-S", str(script), str(run), variant, str(seed), str(pause)]

    return command


@pytest.fixture
def fake_task(fake_train):
    """Gives the content of ``trial.json`` for a fake training."""

    def task(run: Path, variant: str = "base", seed: int = 0, pause: float = 0.0, **changes):
        whole = {"train": fake_train(run, variant, seed, pause), "evaluate": None, "seconds": None, "environment": {}}
        return whole | changes

    return task
