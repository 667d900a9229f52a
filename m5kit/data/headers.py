"""Looks at the head of a media file: how large, how long; nothing is decoded."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from m5kit.data.decode._container import opened
from m5kit.data.decode._pictures import FORMATS
from m5kit.data.decode._spectrogram import load_spectrogram
from m5kit.data.files import UNBOUNDED, find_file


def measure(modality: str, value: Any, root: Path | None) -> dict[str, float]:
    """Numbers of one value by unit; a zero without a unit for a file that cannot be read."""
    if modality == "text":
        return {"characters": len(value)}
    if modality == "table":
        return {"properties": len(value)}
    # path#ID is one of many items in a file: it has no size of its own
    if root is not None and isinstance(value, str) and ("#" not in value or (root / value).is_file()):
        return read_header(modality, value, root) or {"": 0}
    return {}


def read_header(modality: str, source: str, root: Path) -> dict[str, float]:
    """Numbers by unit: ``KiB`` and, by modality, ``width`` and ``height`` (pixels), ``seconds``; of arrays ``tokens``.

    Args:
        modality: what the file is.
        source: its path relative to ``root``.
        root: the manifest's folder.

    Returns:
        Nothing if there is no such file, or its head cannot be read.
    """
    try:
        path = find_file(source, root, UNBOUNDED)
        reader = _array if path.suffix in (".npy", ".safetensors") else READERS.get(modality)
        return {"KiB": path.stat().st_size / 1024, **(reader(path) if reader else {})}
    except Exception:  # a look at the head of a damaged file may raise anything; decoding says what is wrong with it
        return {}


def _picture(path: Path) -> dict[str, float]:
    from PIL import Image

    with Image.open(path, formats=FORMATS) as picture:
        return {"width": picture.width, "height": picture.height}


def _video(path: Path) -> dict[str, float]:
    import av

    with opened(path) as container:
        if not container.streams.video:
            raise ValueError("no pictures in it")
        stream = container.streams.video[0]
        return {**_seconds(container.duration, av.time_base), "width": stream.width, "height": stream.height}


def _sound(path: Path) -> dict[str, float]:
    import av

    with opened(path) as container:
        if not any(stream.rate for stream in container.streams.audio):
            raise ValueError("no sound in it")
        return _seconds(container.duration, av.time_base)


def _seconds(duration: int | None, base: int) -> dict[str, float]:
    """A video that was recorded as a stream does not know how long it is."""
    return {"seconds": duration / base} if duration else {}


def _array(path: Path) -> dict[str, float]:
    import numpy as np

    if path.suffix == ".safetensors":
        found = load_spectrogram(path)
        return {"seconds": found.seconds} if found else {}
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype == np.uint8 and array.shape[-3:-2] == (3,):  # pixels of a picture, or of frames
        return {"width": array.shape[-1], "height": array.shape[-2]}
    return {"tokens": array.shape[0]}


READERS: Mapping[str, Callable[[Path], dict[str, float]]] = {"image": _picture, "video": _video, "audio": _sound}
