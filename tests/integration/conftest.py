"""A small demo set and a short run of it, made once a session; tools run as processes."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
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


SERVER = """
import json, os, sys
import m5kit.training.run, m5kit.inference.evaluation, m5kit.inference.trained_run, m5kit.report.curves
from contextlib import suppress
from importlib import import_module
from m5kit.cli import main
for name in sys.argv[1:]:
    with suppress(ImportError):
        import_module(name)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.setsid()
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1); os.dup2(log, 2)
        code = 70
        try:
            code = main(json.loads(line))
        finally:
            sys.stdout.flush()
            os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Starts each command as a process group of its own, without importing torch for each: that takes most of the time."""


CONFIG = """
_base_: [input_text/small, input_table/small, model/small, encoder_text/compact, encoder_table/compact, fusion/scale,
  harmonizer/graph, weighting/everywhere, task_contrastive/infonce, task_masked_text/tokens, schedule/short]
data: {train: [train], workers: 2, dropout: 0.2}
model: {dim: 32, features: 32}
encoder_text: {layers: 1}
encoder_table: {layers: 1}
schedule: {max_steps: 12, batch_size: 8}
checkpoint: {every_steps: 2, keep: 2}
logging: {every_steps: 1}
"""


class Commands:
    """Runs commands of m5kit in a folder that holds a few items (``annotations.jsonl``) and a config (``leaf.yaml``).

    Args:
        folder: empty.
        modules: of other libraries that are imported once for all commands; none may start a thread.
    """

    def __init__(self, folder, modules):
        words = ["red", "blue", "mug", "bowl", "lamp", "chair", "large", "small", "soft", "oak"]
        draw = random.Random(0)
        with (folder / "annotations.jsonl").open("w") as file:
            for number in range(64):
                row = {"id": f"i{number}", "split": "train" if number % 4 else "test"}
                row["text"] = " ".join(draw.choices(words, k=4))
                row["table"] = {"size": draw.randint(1, 90), "colour": draw.choice(words)}
                file.write(json.dumps(row) + "\n")
        (folder / "leaf.yaml").write_text(CONFIG)
        self.folder = folder
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        self._answer()

    def start(self, *words):
        """Start a command; its process group."""
        self.server.stdin.write(json.dumps(list(map(str, words))) + "\n")
        self.server.stdin.flush()
        return int(self._answer())

    def wait(self):
        """How it ended."""
        return int(self._answer())

    def run(self, *words):
        self.start(*words)
        return self.wait()

    def interrupt(self, number, seconds, *words):
        """Start a command, send its whole group a signal after a time, and wait for its end."""
        group = self.start(*words)
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it was done before
            os.killpg(group, number)
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.server.stdin.close()
        assert self.server.wait(60) == 0

    def _answer(self):
        line = self.server.stdout.readline()
        assert line, (self.folder / "log.txt").read_text()
        return line.strip()


@pytest.fixture(scope="session")
def command_server(tmp_path_factory):
    """Makes a :class:`Commands`, of a folder and of modules to import."""
    return lambda name, *modules: Commands(tmp_path_factory.mktemp(name), modules)
