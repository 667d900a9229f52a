"""The example distributions: what they import, how they run with m5kit, how they install."""

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from m5kit.cli import main

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
OWN = ("m5kit.api", "m5kit.testing")
LIBRARIES = {"m5kit-encoder-wavelets": "pywt", "m5kit-mlflow": "mlflow", "m5kit-wandb": "wandb"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_example_is_complete_and_imports_the_public_surface_only(folder):
    package = tomllib.loads((folder / "pyproject.toml").read_text())
    assert all((folder / name).is_file() for name in ("README.md", "LICENSE"))
    assert list(folder.glob("tests/test_*.py"))
    assert package["project"]["license"] == "MIT"
    assert "m5kit" in package["project"]["dependencies"]
    for path in folder.rglob("*.py"):
        allowed = OWN if "tests" in path.parts else OWN[:1]
        used = {name for name in imported(path) if name.partition(".")[0] == "m5kit"}
        assert used <= set(allowed), path


def test_the_smallest_encoder_has_under_40_lines():
    source = ROOT / "plugins/m5kit-encoder-bag-of-words/m5kit_encoder_bag_of_words.py"
    assert len(source.read_text().splitlines()) < 40


def test_the_pieces_of_the_examples_are_picked_by_name(examples, capsys):
    changes = ["fusion=mbt", "encoder_text.type=bag_of_words", "evaluation=none"]
    assert main(["config", "check", "demo/scale", *(word for change in changes for word in ("--set", change))]) == 0
    said = capsys.readouterr().out
    assert "AttentionBottlenecks" in said
    assert "BagOfWords" in said


@pytest.fixture
def six(demo, tmp_path):
    """The demo set, two thirds of whose items also have a shape, and a config that reads it."""
    data = shutil.copytree(demo, tmp_path / "data")
    generator = np.random.default_rng(0)
    rows = [json.loads(line) for line in (demo / "annotations.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        if number % 3:
            row["points"] = f"{row['id']}.xyz"
            np.savetxt(data / row["points"], generator.normal(size=(25, 3)) * (1 + number % 5))
    (data / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    pieces = ["input_points/patches", "encoder_points/tokens", "task_masked_points/features", "fusion/mbt"]
    config = {
        "_base_": [str(ROOT / "configs/demo/scale.yaml"), *pieces],
        "encoder_text": {"_replace_": True, "type": "bag_of_words"},
        "task_pairing": {"type": "pairing", "weight": 0.5},
        "evaluation": {"spread": {"type": "spread", "split": "gallery_coarse", "label": "coarse"}},
        "data": {"root": str(data)},
    }
    (tmp_path / "six.yaml").write_text(json.dumps(config))  # JSON is YAML
    return tmp_path / "six.yaml"


def test_a_sixth_modality_trains_together_with_the_other_five(examples, six, tool, short, tmp_path, monkeypatch):
    run = tmp_path / "run"
    tool("tools/train.py", six, "--run-dir", run, *short())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    weights = {key for key in rows[-1] if key.startswith("weight/")}
    assert weights == {f"weight/{m}" for m in ("audio", "image", "points", "table", "text", "video")}
    assert all(np.isfinite(rows[-1][f"loss/{task}"]) for task in ("masked_points", "pairing", "contrastive"))
    assert "alignment" in json.loads((run / "results.json").read_text())["results"]["spread"]
    used = {part["distribution"] for part in json.loads((run / "provenance.json").read_text())["plugins"]}
    assert used == {
        *("m5kit-encoder-bag-of-words", "m5kit-fusion-mbt", "m5kit-metric-spread"),
        *("m5kit-modality-points", "m5kit-task-pairing"),
    }
    tool("tools/embed.py", run, "--data", tmp_path / "data", "--out", tmp_path / "e.npz", "--modalities", "points")

    monkeypatch.delenv("PYTHONPATH")
    gone = tool("tools/evaluate.py", run, check=False)
    assert gone.returncode == 2
    assert "encoder_points of the run was trained with the plugin m5kit-modality-points 0.1.0" in gone.stderr
    assert "pip install 'm5kit-modality-points==0.1.0'" in gone.stderr
    assert "Traceback" not in gone.stderr


@pytest.mark.slow
def test_the_examples_build_as_wheels_install_and_pass_the_kit(tmp_path, monkeypatch):
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    sources = [str(copy(folder, tmp_path / folder.name)) for folder in FOLDERS]
    built = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), *sources]
    subprocess.run([*pip, *built], check=True, capture_output=True)
    found = sorted(map(str, wheels.glob("*.whl")))
    assert len(found) == len(FOLDERS)
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), *found], check=True, capture_output=True)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the check of its hook needs no server then
    names = [folder.name for folder in FOLDERS if find_spec(LIBRARIES.get(folder.name, "m5kit"))]
    for name in names:
        check = [sys.executable, "-m", "m5kit", "plugins", "check", name]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    tests = [f"{source}/tests" for source, folder in zip(sources, FOLDERS, strict=True) if folder.name in names]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def copy(folder, target):
    """pip builds in the source tree; keep that out of the checkout."""
    return shutil.copytree(folder, target, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
