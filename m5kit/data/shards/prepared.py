"""What media may become while shards are written: smaller pictures, a few frames of a clip, sound at a lower rate."""

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._stored_frames import MARK
from m5kit.data.pipeline import Pipeline
from m5kit.data.shard_set import read_shard_set
from m5kit.errors import ConfigError


@dataclass(frozen=True)
class Preparer(ABC):
    """Makes the file that a modality of an item is stored as.

    Attributes:
        source: another modality whose file is read where an item has none of its own, as a clip's sound.
    """

    source: str | None = None

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """The contents and the extension of the new file.

        Raises:
            DecodeError: the old one cannot be read.
        """

    @abstractmethod
    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """What the parts that read the file want and it does not have, as ``size 224``; None if it has all."""

    def settings(self) -> dict[str, Any]:
        """As ``shards.json`` keeps them."""
        return {"type": self.name, **asdict(self)}


@dataclass(frozen=True)
class Jpeg(Preparer):
    """A picture as JPEG.

    Attributes:
        size: the shorter side in pixels; smaller pictures keep theirs.
        quality: of JPEG, 1 to 95.
    """

    size: int = 256
    quality: int = 90

    name = "jpeg"

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """Decoded, turned upright, resized."""
        from m5kit.data.decode.simplejpeg import SimpleJpegDecoder

        # read at up to a half of its size where it is larger than twice what is wanted: much faster, hardly visible
        decoder = SimpleJpegDecoder(at_least=2 * self.size)
        decoder.follow_links = follow_links
        return encode_jpeg(decoder(reference, root), self.size, self.quality), "jpg"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """Larger pictures."""
        wanted = transform.provides().get("size", 0)
        return f"size {wanted}" if wanted > self.size else None


@dataclass(frozen=True)
class Frames(Preparer):
    """Frames of a clip, evenly spaced in time, as JPEG in an AVI file that any player opens; without sound.

    Attributes:
        frames: at most so many.
        size: the shorter side in pixels; smaller frames keep theirs.
        quality: of JPEG, 1 to 95.
    """

    frames: int = 8
    size: int = 224
    quality: int = 80

    name = "frames"

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """The frames that a run would decode."""
        from m5kit.data.decode.pyav import PyAVDecoder

        decoder = PyAVDecoder(frames=self.frames)
        decoder.follow_links = follow_links
        clip = decoder(reference, root)
        return pack_frames([encode_jpeg(frame, self.size, self.quality) for frame in clip]), "avi"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """More frames, larger ones, or frames by the second."""
        if getattr(decoder, "fps", None) is not None:
            return f"fps {decoder.fps:g}"
        frames = min(getattr(decoder, "frames", 0), transform.provides().get("frames", self.frames + 1))
        if frames > self.frames:
            return f"frames {frames}"
        size = transform.provides().get("size", 0)
        return f"size {size}" if size > self.size else None


@dataclass(frozen=True)
class Flac(Preparer):
    """Sound as FLAC of one channel and 16 bits.

    Attributes:
        rate: samples a second.
    """

    rate: int = 16_000

    name = "flac"

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """Decoded and resampled as a run would."""
        import soundfile

        from m5kit.data.decode.sound import SoundDecoder
        from m5kit.data.transforms._sound import resampled

        decoder = SoundDecoder()
        decoder.follow_links = follow_links
        wave = resampled(decoder(reference, root), self.rate)
        content = io.BytesIO()
        soundfile.write(content, np.clip(wave, -1, 1), self.rate, format="FLAC", subtype="PCM_16")
        return content.getvalue(), "flac"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """A higher rate."""
        wanted = getattr(transform, "rate", 0)
        return f"rate {wanted}" if wanted > self.rate else None


KINDS: Mapping[str, type[Preparer]] = {kind.name: kind for kind in (Jpeg, Frames, Flac)}


def build_preparer(settings: Mapping[str, Any]) -> Preparer:
    """The preparer that settings describe.

    Raises:
        ConfigError: unknown names, or values of another kind; every mistake is named.
    """
    given = dict(settings)
    kind = KINDS.get(given.pop("type", ""))
    if kind is None:
        raise ConfigError([f"--prepare: {settings.get('type')!r} is no kind of file; there are {', '.join(KINDS)}"])
    known = signature(kind).parameters
    problems = []
    for key, value in given.items():
        default = known[key].default if key in known else None
        if key not in known:
            problems.append(f"--prepare: {kind.name} has no setting {key!r}; it has {', '.join(known)}")
        elif isinstance(default, int) and not (isinstance(value, int) and value > 0):
            problems.append(f"--prepare: {kind.name}.{key}: expected a whole number over 0, got {value!r}")
    if problems:
        raise ConfigError(problems)
    return kind(**given)


def require_prepared_for(root: Path, pipelines: Mapping[str, Pipeline]) -> None:
    """See that the shards in a folder, if it holds any, have what a run reads.

    Raises:
        ConfigError: media were prepared smaller, fewer or at a lower rate than the config asks for.
    """
    found = read_shard_set(root)
    problems = []
    for modality, settings in (found.prepared if found else {}).items():
        pipeline = pipelines.get(modality)
        short = build_preparer(settings).shortfall(pipeline.decoder, pipeline.transform) if pipeline else None
        if short is not None:
            made = ", ".join(f"{key} {value}" for key, value in settings.items() if key not in ("type", "source"))
            problems.append(
                f"input_{modality} asks for {short}, and {root} was prepared with {made}; ask for less with "
                f"--set input_{modality}..., or write other shards with m5kit data prepare"
            )
    if problems:
        raise ConfigError(problems)


def encode_jpeg(pixels: NDArray[np.uint8], size: int, quality: int) -> bytes:
    """Pixels ``h w 3`` as a JPEG whose shorter side is at most ``size``."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    shorter = min(picture.size)
    if shorter > size:
        width, height = (max(1, round(side * size / shorter)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality)
    return content.getvalue()


def pack_frames(frames: list[bytes]) -> bytes:
    """JPEG files of one size as the frames of an AVI file, one a second; nothing is encoded again."""
    import av
    from PIL import Image

    content = io.BytesIO()
    # bitexact: without the date and the version of the writer
    with av.open(content, "w", format="avi", options={"fflags": "+bitexact"}) as container:
        container.metadata["comment"] = MARK.decode()  # by which decoders know that every frame is a whole JPEG file
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height = Image.open(io.BytesIO(frames[0])).size
        stream.pix_fmt = "yuvj420p"
        for number, frame in enumerate(frames):
            packet = av.Packet(frame)
            packet.stream, packet.time_base = stream, Fraction(1)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return content.getvalue()
