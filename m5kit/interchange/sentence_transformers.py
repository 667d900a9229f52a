"""A run as a module of sentence-transformers: its encode, its evaluators and MTEB's tasks work on it.

The folder holds data alone. ``SentenceTransformer(DIR, trust_remote_code=True)`` imports :class:`RunModule` from the
m5kit that is installed: the library asks for this flag whenever a class is not one of its own, and no file of the
folder is run as code.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modality import infer_modality
from sentence_transformers.base.modules import InputModule

import m5kit
from m5kit.errors import DataError, UsageError
from m5kit.interchange.card import model_card
from m5kit.interchange.shared_folder import add_json, share_run, write_run, written_aside
from m5kit.public.loading import load
from m5kit.public.run import Run

PREPARED, EMBEDDING = "m5kit_items", "sentence_embedding"
FRAMES, DETAILS = "array", "video_metadata"
"""The keys with which the library gives frames and how many of them there are a second."""


def write_sentence_transformers(run: Run, out: Path) -> Path:
    """Write a folder that ``SentenceTransformer`` opens; :func:`m5kit.load` opens it too.

    Args:
        run: loaded.
        out: a new or empty folder.

    Raises:
        CheckpointError: the folder holds something.
    """
    kind = f"{RunModule.__module__}.{RunModule.__qualname__}"
    versions = {"sentence_transformers": version("sentence-transformers"), "m5kit": m5kit.__version__}
    described = {"model_type": "SentenceTransformer", "__version__": versions, "similarity_fn_name": "cosine"}
    with written_aside(out) as folder:
        write_run(run, folder)
        (folder / "README.md").write_text(model_card(run, _use(run)), encoding="utf-8")
        add_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
        add_json(
            folder / "config_sentence_transformers.json", {**described, "prompts": {}, "default_prompt_name": None}
        )
    return out


def _use(run: Run) -> Iterator[str]:
    """The section of the card on how to use the folder; the files are the same for :func:`m5kit.load`."""
    yield "## Use"
    yield ""
    yield "```python"
    yield "from sentence_transformers import SentenceTransformer"
    yield ""
    yield 'model = SentenceTransformer("FOLDER", trust_remote_code=True)  # this folder; the code is that of m5kit'
    several = ", ".join(f'"{modality}": ...' for modality in run.modalities[:2])
    yield f"vectors = model.encode([{{{several}}}])"
    yield "```"
    yield ""
    yield "It needs `pip install 'm5kit[sentence-transformers]'`. `m5kit.load` opens the folder too."
    yield ""


class RunModule(InputModule):  # type: ignore[misc]  # the library's base class is not checked here
    """Embeds whatever a run reads, alone or several modalities in a dict; tables are one more key of it.

    Args:
        run: loaded.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.model = run.trained.model  # a module of torch: it is moved and counted with the others

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> "RunModule":
        """Open a folder on this machine, or one that the hub's client brings."""
        folder = cls.load_dir_path(model_name_or_path, subfolder, **_of_the_hub(options))
        if folder is None:
            raise DataError(f"{model_name_or_path} is no folder of a run")
        return cls(load(folder, device="cpu"))

    @property
    def modalities(self) -> list[str]:
        """Those of the run; any of them may come together."""
        return list(self.run.modalities)

    def get_embedding_dimension(self) -> int:
        """The width of an item's vector."""
        return self.run.width

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **options: Any) -> dict[str, Any]:
        """Items of what the library takes; a prompt is written before texts."""
        return {PREPARED: [self._item(each, prompt or "") for each in inputs]}

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Add the vectors.

        Raises:
            BadItemsError: inputs that cannot be used.
        """
        vectors = self.run.embed(features[PREPARED], batch_size=max(1, len(features[PREPARED])))
        return {**features, EMBEDDING: torch.from_numpy(vectors).to(self.run.device)}

    def save(self, output_path: str, *arguments: Any, **options: Any) -> None:
        """Write the run into a folder that the library has begun."""
        folder = Path(output_path)
        kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        if any(path.is_dir() for path in folder.iterdir()):
            raise UsageError([f"{folder} is not empty; name a new folder"])
        for name in kept:
            (folder / name).unlink()
        share_run(self.run, folder)
        for name, content in kept.items():
            (folder / name).write_bytes(content)

    def _item(self, given: Any, prompt: str) -> dict[str, Any]:
        """An item of one input: a dict of modalities, or a single value."""
        if isinstance(given, Mapping) and set(given) <= set(self.run.columns):
            item = dict(given)
        else:
            item = {str(infer_modality(given, self.modalities)): given}
        return {name: _value(value, prompt) for name, value in item.items()}


def _value(value: Any, prompt: str) -> Any:
    """A value as a run takes it; the library has forms of its own for clips."""
    if isinstance(value, str) and prompt and infer_modality(value) == infer_modality(prompt):
        return prompt + value
    if isinstance(value, Mapping) and DETAILS in value:
        rate = (value[DETAILS] or {}).get("fps")
        frames = _stacked(value[FRAMES])
        return frames if rate is None else (frames, rate)
    return _stacked(value)


def _stacked(value: Any) -> Any:
    """Frames as an array where they come as a list of pictures."""
    if isinstance(value, list | tuple) and value and all(hasattr(frame, "convert") for frame in value):
        return np.stack([np.asarray(frame.convert("RGB")) for frame in value])
    return value


def _of_the_hub(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that say where a folder comes from."""
    names = ("token", "cache_folder", "revision", "local_files_only")
    return {name: options[name] for name in names if name in options}
