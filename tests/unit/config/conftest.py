"""A tree of configs in a temporary folder, and tiny parts to configure."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from m5kit.registry import DECODERS, ENCODERS, FUSIONS, HARMONIZERS, HEADS, METRICS, TASKS, TRANSFORMS

Write = Callable[[str, str], Path]

LEAF = """
    _base_: [fusion/wide, encoder_a/tiny]
    seed: 3
    harmonizer: {type: t_harmonizer}
    input_a: {decoder: {type: t_decoder}, transform: {type: t_transform, size: 8}}
    task_hide: {type: t_task, modality: a, weight: 2}
    evaluation:
      search: {type: t_metric, label: kind}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file below the working directory, which is a tree of configs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_base_").mkdir()

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return Path(name)

    return write_file


@pytest.fixture
def leaf(write: Write) -> Path:
    """``demo/leaf.yaml`` with pieces for a fusion and an encoder."""
    write("_base_/fusion/wide.yaml", "fusion:\n  type: t_fusion\n  heads: 4\n")
    write("_base_/fusion/flat.yaml", "fusion:\n  type: t_flat\n")
    write("_base_/encoder_a/tiny.yaml", "encoder_a:\n  type: t_encoder\n  layers: 1\n")
    return write("demo/leaf.yaml", LEAF)


class _Fusion:
    filled_in = frozenset({"modalities", "dim"})

    def __init__(
        self, *, modalities: tuple[str, ...], dim: int, heads: int = 2, shape: tuple[int, int] = (1, 1)
    ) -> None:
        pass


class _Flat:
    pass


class _Encoder:
    filled_in = frozenset({"dim"})

    def __init__(self, *, dim: int, size: int, layers: int = 2, rate: float = 0.1) -> None:
        pass


class _Transform:
    provided = frozenset({"size"})

    def __init__(self, *, size: int) -> None:
        pass


class _Task:
    filled_in = frozenset({"vocabulary"})

    def __init__(self, *, modality: str, vocabulary: int | None, rate: float = 0.15) -> None:
        pass


class _Metric:
    def __init__(self, *, label: str, ks: tuple[int, ...] = (1,)) -> None:
        pass


@pytest.fixture
def parts() -> Iterator[None]:
    """Registers one tiny part a family as ``t_<family>``."""
    tiny = [
        (FUSIONS, "t_fusion", _Fusion),
        (FUSIONS, "t_flat", _Flat),
        (ENCODERS, "t_encoder", _Encoder),
        (HARMONIZERS, "t_harmonizer", _Flat),
        (DECODERS, "t_decoder", _Flat),
        (TRANSFORMS, "t_transform", _Transform),
        (TASKS, "t_task", _Task),
        (HEADS, "t_head", _Flat),
        (METRICS, "t_metric", _Metric),
    ]
    with ExitStack() as stack:
        for registry, name, part in tiny:
            stack.enter_context(registry.temporarily(name, part))
        yield
