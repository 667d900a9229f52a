"""Writes what was drawn as the files that shops have: JPEG, FLAC, and MP4 with H.264 and AAC."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from m5kit.data.demo.picture import FRAMES, SECONDS
from m5kit.data.demo.sound import RATE

AAC_FRAME = 1024


def write_photo(path: Path, picture: Image.Image) -> None:
    """Write a JPEG."""
    picture.save(path, quality=85)


def write_sound(path: Path, wave: np.ndarray) -> None:
    """Write a waveform ``n`` at 16 kHz as 16-bit FLAC."""
    import soundfile

    soundfile.write(path, wave, RATE, subtype="PCM_16")


def write_video(path: Path, frames: np.ndarray, wave: np.ndarray | None) -> None:
    """Write frames ``t h w 3`` at 8 a second, with a sound track if there is a waveform."""
    import av

    rate = Fraction(FRAMES) / Fraction(SECONDS)
    # a PyAV built without x264 still brings MPEG-4 part 2
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    # with its macroblock tree, x264 does not give the same bits every time on pictures this small
    options = {"crf": "28", "preset": "veryfast", "x264-params": "mbtree=0"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate, options=options)
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1  # threads would change the bits
        audio = container.add_stream("aac", rate=RATE, layout="mono", bit_rate=32_000) if wave is not None else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None and wave is not None:
            _write_track(container, audio, wave)


def _write_track(container: Any, stream: Any, wave: np.ndarray) -> None:
    import av

    for start in range(0, len(wave), AAC_FRAME):
        part = np.ascontiguousarray(wave[None, start : start + AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
