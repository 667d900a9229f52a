"""A study of two variants over two seeds, and the runs that it points to."""

import json

import pytest


def _interval(mean, reach):
    return {"mean": mean, "low": mean - reach, "high": mean + reach}


def _figure(values, difference=None):
    mean = sum(values) / len(values)
    return {
        "values": {str(seed): value for seed, value in enumerate(values)},
        **_interval(mean, 0.1),
        "chance": 0.05,
        "difference": difference,
    }


def _row(variant, view, values, seconds, difference=None):
    cost = {"seconds": _interval(seconds, 1.0), "memory": 3 * 2**20, "parameters": 1_250_000}
    return {
        "variant": variant,
        "view": view,
        "seeds": [0, 1],
        "runs": [f"trials/{variant}-{seed}" for seed in (0, 1)],
        "figures": {"coarse/mrr@10": _figure(values, difference)},
        "cost": None if view else cost,
        "damaged": [],
    }


@pytest.fixture
def study():
    difference = {"pairs": 2, **_interval(0.2, 0.05), "p": 0.5, "holm": 1.0}
    return {
        "title": "Fusion <1>",
        "about": "Does it matter?",
        "figures": ["coarse/mrr@10"],
        "reference": "plain",
        "confidence": 0.95,
        "interval": "student",
        "test": "permutation",
        "views_compared": True,
        "rows": [
            _row("plain", "", [0.5, 0.6], 10.0),
            _row("new_one", "", [0.7, 0.8], 20.0, difference),
            _row("new_one", "a+b", [0.3, 0.4], 20.0),
        ],
        "failed": [{"variant": "worse", "seed": 1, "reason": "out | of\ntune", "log": "trials/x/log.txt"}],
        "progress": {"done": 4, "failed": 1, "left": 0},
        "notes": ["scale is the same as plain and was not run again."],
    }


@pytest.fixture
def folder(study, tmp_path):
    """Where the runs of the study have logged something."""
    for row in study["rows"]:
        for run in row["runs"]:
            (tmp_path / run).mkdir(parents=True, exist_ok=True)
            lines = [{"step": s, "loss/contrastive": 1 / s, "weight/a": 0.4, "weight/b": 0.6} for s in (1, 2, 3)]
            (tmp_path / run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path
