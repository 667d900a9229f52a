"""A small demo set and a short run of it, made once a session; tools run as processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = [
    "schedule.max_steps=6",
    "schedule.batch_size=8",
    "schedule.warmup=0.3",
    "data.workers=2",
    "data.dropout=0.2",
    "checkpoint.every_steps=3",
    "logging.every_steps=1",
]


def run_tool(*arguments: str | Path, cwd: Path = ROOT, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run ``python tools/...`` or another module as a user would, one thread, and return what it said."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if check and done.returncode:
        pytest.fail(f"{' '.join(command)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def options(*overrides: str) -> list[str]:
    """``--set`` for each override, on top of a short schedule."""
    return [word for override in (*SHORT, *overrides) for word in ("--set", override)]


@pytest.fixture(scope="module")
def browser():
    """A Chromium of the system, driven by playwright (``pip install playwright``, without its browsers)."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def tool():
    return run_tool


@pytest.fixture(scope="session")
def short():
    return options


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "demo"
    run_tool("-m", "m5kit", "data", "make-demo", folder, "--items", "120", "--seed", "3")
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory, demo) -> tuple[Path, str]:
    """A finished run of demo/scale and what its command printed."""
    run = tmp_path_factory.mktemp("runs") / "scale"
    said = run_tool("tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run, *options()).stdout
    return run, said


@pytest.fixture(scope="session")
def metric_lines():
    """The lines of a run's ``metrics.jsonl`` without the figures that time decides."""

    def read(run: Path) -> list[dict[str, float]]:
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return [{k: v for k, v in row.items() if k not in ("items_per_second", "data_wait")} for row in rows]

    return read
