"""Every command that reads a file, given broken ones: no traceback, one error that names it, a status that tells.

A traceback would be an exception here, as the commands run in this process.
"""

import faulthandler
import json
import os
import re
import sys
from importlib import import_module

import numpy as np
import pytest

from m5kit.cli import main

pytestmark = pytest.mark.slow

LIMIT = 120
"""Seconds for one command; a pipe that is opened would be waited for without an end."""


def _folder(path):
    path.mkdir()


BROKEN = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "folder": _folder,
    "pipe": os.mkfifo,
    "noise": lambda path: path.write_bytes(np.random.default_rng(0).bytes(3000)),
    "zeros": lambda path: path.write_bytes(bytes(3000)),
    "latin-1": lambda path: path.write_bytes("id,text\na,Tür\n".encode("latin-1")),
    "deep": lambda path: path.write_bytes(b"[" * 200_000),
    "number": lambda path: path.write_text("3"),
    "text": lambda path: path.write_text("no file of any kind that m5kit knows\n"),
    "loop": lambda path: path.symlink_to(path),
}

TEXT = ("--map", "text=text")
COMMANDS = {
    "validate": ("data validate {x}", "annotations.jsonl"),
    "validate-parquet": ("data validate {x}", "a.parquet"),
    "validate-arrow": ("data validate {x} --decode", "a.arrow"),
    "stats": ("data stats {x}", "annotations.jsonl"),
    "stats-media": ("data stats {x} --media", "a.parquet"),
    "import-csv": ("data import csv {x} {out} --map text=text", "a.csv"),
    "import-tsv": ("data import csv {x} {out} --map text=text", "a.tsv"),
    "import-gzip": ("data import csv {x} {out} --map text=text", "a.csv.gz"),
    "import-parquet": ("data import parquet {x} {out} --map text=text", "a.parquet"),
    "import-tar": ("data import webdataset {x} {out} --map text=txt", "a.tar"),
    "import-folder": ("data import folder {x} {out} --map text=text", "a"),
    "import-huggingface": ("data import huggingface {x} {out} --map text=text", "a"),
    "import-m5product": ("data import m5product {out} --metadata {x}", "a.json"),
    "config-show": ("config show {x}", "a.yaml"),
    "config-check": ("config check {x}", "a.yaml"),
    "train-config": ("train {x}", "a.yaml"),
    "train-manifest": ("train demo/scale --data {x} --run-dir {out}", "a.jsonl"),
    "train-resume": ("train demo/scale --data {whole} --run-dir {x} --resume", "run"),
    "ablate": ("ablate {x} --out {out} --dry-run", "a.yaml"),
    "ablate-data": ("ablate {sweep} --out {out} --data {x} --dry-run", "a.jsonl"),
    "evaluate-run": ("evaluate {x}", "run"),
    "evaluate-npz": ("evaluate {x} --config demo/scale", "a.npz"),
    "evaluate-parquet": ("evaluate {x} --config demo/scale", "a.parquet"),
    "embed-run": ("embed {x} --data {whole} --out {out}.npz", "run"),
    "report": ("report {x} --out {out}", "run"),
    "plugins-check": ("plugins check {x}", "a.py"),
}
RUN_FILES = ("config.yaml", "provenance.json", "results.json", "transforms.json", "gallery.json", "metrics.jsonl")
READERS = {
    "evaluate": "evaluate {run}",
    "embed": "embed {run} --data {whole} --out {out}.npz",
    "report": "report {run} --out {out}",
}


@pytest.fixture(scope="module", autouse=True)
def imported():
    """The libraries, whose import on a busy machine takes longer than any command may."""
    for module in (
        "m5kit.training.run",
        "m5kit.inference.evaluation",
        "m5kit.ablation.orchestration",
        "m5kit.data.stats",
    ):
        import_module(module)


@pytest.fixture
def places(tmp_path):
    """A whole manifest, a whole sweep file, and a place for what is written."""
    whole, sweep = tmp_path / "whole", tmp_path / "sweep.yaml"
    whole.mkdir()
    (whole / "annotations.jsonl").write_text(json.dumps({"id": "a", "split": "train", "text": "a mug"}))
    sweep.write_text("base: demo/scale\nvary: {fusion: [gated]}\nseeds: [0]\nmetrics: [retrieval/recall@1]\n")
    return {"whole": whole, "sweep": sweep, "out": tmp_path / "out"}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_file(command, kind, places, tmp_path, capsys):
    words, name = COMMANDS[command]
    (tmp_path / "x").mkdir()
    broken = tmp_path / "x" / name
    BROKEN[kind](broken)
    if (command, kind) == ("config-show", "empty"):
        return  # an empty config has the defaults
    _refused([word.format(x=broken, **places) for word in words.split()], capsys)


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("file", RUN_FILES)
@pytest.mark.parametrize("reader", READERS)
def test_a_run_folder_with_a_broken_file(reader, file, kind, places, tmp_path, capsys):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").write_text("name: demo\nseed: 1\n_base_: []\n")
    (run / "provenance.json").write_text('{"seed": 1, "plugins": []}')
    (run / "results.json").write_text('{"results": {}, "skipped": {}}')
    (run / file).unlink(missing_ok=True)
    BROKEN[kind](run / file)
    _ended([word.format(run=run, **places) for word in READERS[reader].split()], capsys)


def _refused(words, capsys):
    """The command ends with a status that tells, and one error or a list of problems."""
    status, said = _ended(words, capsys)
    assert status in (1, 2), said
    if status == 2:
        assert len(re.findall(r"^error: ", said.err, re.MULTILINE)) == 1, said.err


def _ended(words, capsys):
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=sys.__stderr__)
    try:
        status = main(words)
    finally:
        faulthandler.cancel_dump_traceback_later()
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return status, said
