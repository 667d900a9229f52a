"""Log-mel spectrograms that ``m5kit data prepare`` stored: a safetensors file whose head says how they were made."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m5kit.data.files import UnusableFileError

KEY = "m5kit log-mel"
HEAD = b'{"__metadata__":{"m5kit log-mel"'
"""How the file goes on behind its first eight bytes; no file of samples does."""


@dataclass(frozen=True, slots=True)
class MelSettings:
    """What makes two spectrograms comparable: ``rate`` in samples a second, ``mels`` bands, the others in samples."""

    rate: int
    mels: int
    window: int
    hop: int


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """The logarithm of the mel power of a sound: ``t mels``, of 16 or 32 bits, one row every ``hop`` samples."""

    values: NDArray[np.floating]
    settings: MelSettings

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return (len(self.values) - 1) * self.settings.hop / self.settings.rate


def pack_spectrogram(found: Spectrogram) -> bytes:
    """As a file; its numbers have 16 bits, of which 11 count: within 0.005 of what they were."""
    from safetensors.numpy import save

    # one entry: safetensors would write several in an order that changes from process to process
    about = {KEY: json.dumps(asdict(found.settings))}
    content: bytes = save({"values": found.values.astype(np.float16)}, about)
    return content


def load_spectrogram(path: Path) -> Spectrogram | None:
    """What a file holds, of which no more than the head is read if it is another one."""
    with path.open("rb") as file:
        head = file.read(8 + len(HEAD))
        return read_spectrogram(head + file.read()) if head.endswith(HEAD) else None


def read_spectrogram(content: bytes | memoryview) -> Spectrogram | None:
    """What :func:`pack_spectrogram` stored; None for any other file.

    Raises:
        UnusableFileError: it is damaged.
    """
    if bytes(content[8 : 8 + len(HEAD)]) != HEAD:
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        head = json.loads(bytes(content[8 : 8 + int.from_bytes(content[:8], "little")]))
        settings = MelSettings(**json.loads(head["__metadata__"][KEY]))
        values = load(bytes(content))["values"]
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UnusableFileError(f"a stored spectrogram that is damaged ({type(error).__name__}: {error})") from error
    if values.ndim != 2 or not len(values) or values.shape[1] != settings.mels:
        raise UnusableFileError(f"a stored spectrogram of {settings.mels} bands has the shape {values.shape}")
    return Spectrogram(values, settings)
