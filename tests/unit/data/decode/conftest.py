from fractions import Fraction

import numpy as np
import pytest

STEP = 10  # grey levels between two frames, far more than compression changes
TICK = Fraction(1, 1000)


@pytest.fixture
def write_video(tmp_path):
    """Writes a film whose frames are numbered by their grey level, or given pictures, at times in milliseconds."""

    def write(name, times, *, pictures=None, gop=250, size=64, codec="libx264", sound=None, options=()):
        import av

        with av.open(str(tmp_path / name), "w") as container:
            video = container.add_stream(codec, rate=25)
            video.width = video.height = size
            video.pix_fmt = "yuv420p"
            video.options = dict(options)
            video.gop_size = gop
            video.codec_context.time_base = video.time_base = TICK
            track = container.add_stream("aac", rate=16_000, layout="mono") if sound is not None else None
            for number, time in enumerate(times):
                grey = np.full((size, size, 3), 20 + STEP * number, np.uint8)
                frame = av.VideoFrame.from_ndarray(grey if pictures is None else pictures[number], format="rgb24")
                frame.pts, frame.time_base = time, TICK
                container.mux(video.encode(frame))
            container.mux(video.encode())
            if track is not None:
                frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
                container.mux(track.encode(frame))
                container.mux(track.encode())
        return name

    return write


@pytest.fixture
def numbers():
    """Reads the numbers back from frames ``t h w 3``."""

    def read(frames):
        return [round((float(frame.mean()) - 20) / STEP) for frame in frames]

    return read


@pytest.fixture
def turn_video(tmp_path):
    """Writes a display matrix (rows a b, c d of whole numbers) into an mp4, as a phone held otherwise does."""

    def turn(name, a, b, c, d):
        path = tmp_path / name
        content = bytearray(path.read_bytes())
        place = content.index(b"tkhd") + 44
        matrix = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
        content[place : place + 36] = np.array(matrix, ">i4").tobytes()
        path.write_bytes(content)
        return name

    return turn


@pytest.fixture
def store_again(tmp_path):
    """Puts the packets of a video into another container, with its turn or that of ``turned``."""

    def store(name, target, turned=None, said=()):
        import av

        with (
            av.open(str(tmp_path / name)) as source,
            av.open(str(tmp_path / (turned or name))) as template,
            av.open(str(tmp_path / target), "w") as container,
        ):
            video = container.add_stream_from_template(template.streams.video[0])
            video.metadata.update(said)
            for packet in source.demux(source.streams.video[0]):
                if packet.size:
                    packet.stream = video
                    container.mux(packet)
        return target

    return store


@pytest.fixture
def write_videos(tmp_path):
    """Writes a file with one black video of two frames for each size."""

    def write(name, *sizes):
        import av

        with av.open(str(tmp_path / name), "w") as container:
            videos = [container.add_stream("libx264", rate=25) for _ in sizes]
            for video, size in zip(videos, sizes, strict=True):
                video.width, video.height, video.pix_fmt = size, size, "yuv420p"
            for video, size in zip(videos, sizes, strict=True):
                for _ in range(2):
                    frame = av.VideoFrame.from_ndarray(np.zeros((size, size, 3), np.uint8), format="rgb24")
                    container.mux(video.encode(frame))
                container.mux(video.encode())
        return name

    return write


@pytest.fixture
def palette_video(tmp_path):
    """Writes an AVI whose frames are numbers of greys; the greys themselves are read with its first packet alone."""

    def write(name, count):
        import av

        palette = np.full((256, 4), 255, np.uint8)
        palette[:, 1:] = (20 + STEP * np.arange(256)[:, None]) % 256
        with av.open(str(tmp_path / name), "w") as container:
            video = container.add_stream("rawvideo", rate=25)
            video.width, video.height, video.pix_fmt = 64, 32, "pal8"
            for number in range(count):
                grey = np.full((32, 64), number, np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray((grey, palette), format="pal8")))
        return name

    return write


@pytest.fixture
def transparent_video(tmp_path):
    """Writes a black video of two frames, whose left half is not seen."""

    def write(name):
        import av

        pixels = np.zeros((32, 64, 4), np.uint8)
        pixels[:, 32:, 3] = 255
        with av.open(str(tmp_path / name), "w") as container:
            video = container.add_stream("ffv1", rate=25)
            video.width, video.height, video.pix_fmt = 64, 32, "bgra"
            for _ in range(2):
                container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="bgra")))
            container.mux(video.encode())
        return name

    return write


@pytest.fixture
def vpx_with_alpha(tmp_path):
    """Writes a WebM of numbered frames, black where the left half is not seen, as VP8 or VP9 keeps alpha: aside."""

    def write(name, codec, count=6, gop=250, alpha=True):
        import av

        if codec not in av.codecs_available:
            pytest.skip(f"this build of FFmpeg has no {codec}")
        with av.open(str(tmp_path / name), "w") as container:
            video = container.add_stream(codec, rate=25)
            video.width, video.height, video.pix_fmt = 64, 32, "yuva420p" if alpha else "yuv420p"
            video.metadata["alpha_mode"] = "1"
            video.gop_size, video.options = gop, {"auto-alt-ref": "0", "crf": "4", "b": "4M"}
            for number in range(count):
                pixels = np.full((32, 64, 4), 20 + STEP * number, np.uint8)
                pixels[:, :32], pixels[:, 32:, 3] = 0, 255
                container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgba")))
            container.mux(video.encode())
        return name

    return write
