import json

import numpy as np
import pytest
import torch

from m5kit.data.pipeline import Pipeline
from m5kit.errors import DecodeError
from m5kit.structures import Inputs


class FakeDecoder:
    """Gives the reference back; fails on what starts with ``bad``."""

    reads_lists = False

    def __call__(self, source, root):
        if str(source).startswith("bad"):
            raise DecodeError(f"{source} is damaged")
        return str(source)


class FakeTransform:
    """One step a letter; in training a random number follows."""

    def __call__(self, decoded, generator=None):
        steps = [float(ord(letter)) for letter in decoded]
        if generator is not None:
            steps.append(generator.random())
        return Inputs.single(torch.tensor(steps))

    def blank(self):
        return Inputs.single(torch.zeros(1))


@pytest.fixture
def pipelines():
    return {name: Pipeline(FakeDecoder(), FakeTransform()) for name in ("image", "text", "audio")}


@pytest.fixture
def write_manifest(tmp_path):
    def write(*rows, name="annotations.jsonl"):
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def rng():
    return np.random.default_rng(0)
