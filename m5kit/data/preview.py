"""Shows an item as a person would look at it: small pictures, a few words, a few rows.

The form follows from what the decoder returns, not from the modality, so that a plugin's modality is shown too.
"""

import io
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._spectrogram import Spectrogram
from m5kit.data.decode.features import Features
from m5kit.data.decode.sound import Sound
from m5kit.data.pipeline import Pipeline
from m5kit.errors import DecodeError
from m5kit.structures import Sample

EDGE = 112
"""Longest side of a picture in pixels."""
FRAMES, FRAME = 4, 56
"""Frames of a strip, and their height."""
VALUES = 4
"""Of a modality that has several, such as pictures of a product."""
SOUND = (120, 44)
"""Width and height of the picture of a sound."""
LETTERS, ROWS, CELL = 90, 4, 28
"""Of a text; of a table; of a value in it."""

Kind = Literal["picture", "strip", "sound", "words", "rows", "note"]


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """One modality of a shown item.

    Attributes:
        modality: its name.
        kind: a picture, a strip of frames or a sound, each as the address (``data:``) of a picture that holds it
            itself; words; rows of two texts; or a remark.
        value: as the kind says.
    """

    modality: str
    kind: Kind
    value: Any

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def preview(sample: Sample, root: Path, pipelines: Mapping[str, Pipeline]) -> list[PreviewPart]:
    """Every modality that an item has; what cannot be read is a remark.

    Args:
        sample: the item.
        root: folder that its paths are relative to.
        pipelines: by modality; what their decoders give is shown, before any transform.
    """
    parts = []
    for modality, pipeline in pipelines.items():
        reference = pipeline.reference(sample, modality)
        if reference is None:
            continue
        decoded = [_decoded(pipeline, value, root) for value in pipeline.values(reference)[:VALUES]]
        if len(decoded) > 1 and all(map(_is_picture, decoded)):
            parts.append(PreviewPart(modality, "strip", _data_uri(_side_by_side(decoded))))
            continue
        parts += [PreviewPart(modality, *_shown(each)) for each in decoded]
    return parts


def _decoded(pipeline: Pipeline, value: Any, root: Path) -> Any:
    """What the decoder makes of one value; None if it cannot be read."""
    try:
        return pipeline.decoder(value, root)
    except DecodeError:
        return None


def _is_picture(decoded: Any) -> bool:
    pixels = isinstance(decoded, np.ndarray) and decoded.dtype == np.uint8
    return pixels and decoded.ndim == 3 and decoded.shape[2] == 3


def _shown(decoded: Any) -> tuple[Kind, Any]:
    if decoded is None:
        return "note", "cannot be read"
    if isinstance(decoded, str):
        return "words", _cut(decoded, LETTERS)
    if isinstance(decoded, Mapping):
        rows = list(decoded.items())[:ROWS]
        return "rows", [[_cut(str(key), CELL), _cut(_words(value), CELL)] for key, value in rows]
    if isinstance(decoded, Sound | Spectrogram):
        return "sound", _data_uri(sound_picture(decoded))
    if isinstance(decoded, Features):
        return "note", f"{len(decoded.values)} features of width {decoded.values.shape[1]}"
    if isinstance(decoded, np.ndarray) and decoded.dtype == np.uint8 and decoded.shape[-1:] == (3,):
        return ("strip", _data_uri(_strip(decoded))) if decoded.ndim == 4 else ("picture", _data_uri(decoded))
    return "note", f"{type(decoded).__name__} is not shown"


def sound_picture(sound: Sound | Spectrogram) -> NDArray[np.uint8]:
    """A spectrogram in greys, time to the right and frequency up, the waveform's envelope in red: ``h w 3``."""
    if isinstance(sound, Spectrogram):
        return _in_greys(sound.values.T.astype(np.float32))
    width, height = SOUND
    window = 512
    samples = np.pad(sound.waveform, (0, max(0, window + width - len(sound.waveform))))
    starts = np.linspace(0, len(samples) - window, width).astype(np.int64)
    frames = samples[starts[:, None] + np.arange(window)]
    # the Hann window keeps a loud band from leaking into its neighbours
    power = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    bands = np.stack([part.mean(axis=1) for part in np.array_split(power[:, 1:], height, axis=1)])
    # a floor of 1e-6: the logarithm of silence is minus infinity
    picture = _in_greys(np.log10(bands + 1e-6))
    reach = np.abs(frames).max(axis=1) / max(float(np.abs(samples).max()), 1e-6) * (height / 2 - 1)
    for end in (height / 2 - reach, height / 2 + reach):
        picture[np.clip(end.astype(np.int64), 0, height - 1), np.arange(width)] = (200, 40, 40)
    return picture


def _in_greys(loud: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Loudness ``frequency time`` as a picture ``h w 3``, low frequencies below."""
    grey = 255 - 200 * (loud - loud.min()) / max(float(np.ptp(loud)), 1e-6)
    return np.repeat(grey[::-1, :, None], 3, axis=2).astype(np.uint8)


def _strip(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A few frames side by side, evenly over the clip: ``h w 3``."""
    chosen = np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(np.int64)
    return np.concatenate([np.asarray(_shrunk(frames[i], FRAME)) for i in chosen], axis=1)


def _side_by_side(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of any sizes in one row, on white: ``h w 3``."""
    row = np.full((FRAME, FRAME * len(pictures), 3), 255, np.uint8)
    for number, pixels in enumerate(pictures):
        small = np.asarray(_shrunk(pixels, FRAME))
        row[: small.shape[0], number * FRAME : number * FRAME + small.shape[1]] = small
    return row


def _shrunk(pixels: NDArray[np.uint8], edge: int) -> Any:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((edge, edge))
    return picture


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    wide = max(EDGE, FRAMES * FRAME) if pixels.shape[1] > 2 * pixels.shape[0] else EDGE
    buffer = io.BytesIO()
    _shrunk(pixels, wide).save(buffer, format="JPEG", quality=70)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"
