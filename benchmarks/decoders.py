"""How fast the decoders are against one another, and what each says to every file of a folder of odd ones.

Without arguments, videos, pictures and sounds are generated and decoded in alternating blocks (A B B A); what the video
decoders return must agree before anything is timed. The clock is the processor time of this process: loader workers
fill the cores anyway, and other jobs hardly disturb it. With ``--zoo DIR`` every file below DIR/image, DIR/audio and
DIR/video is decoded in another process that is stopped after a time limit, and one row says what came out. If
DIR/manifest.jsonl tells what other readers ``observed``, rows that differ are marked.

Run: python benchmarks/decoders.py [--zoo DIR]
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from _arguments import at_least, duration

ZOO = {"image": ("pillow", "simplejpeg"), "audio": ("sound",), "video": ("pyav", "decord", "sound")}
FRAMES = 8


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, metavar="DIR")
    parser.add_argument("--limit", type=duration, default=20.0, help="seconds a file may take")
    parser.add_argument("--rounds", type=at_least(1), default=7)
    arguments = parser.parse_args()
    if arguments.zoo is not None:
        return visit(arguments.zoo, arguments.limit)
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), arguments.rounds)


def visit(zoo: Path, limit: float) -> None:
    """Print a row for every file and decoder."""
    observed = read_observed(zoo / "manifest.jsonl")
    files = {kind: sorted((zoo / kind).iterdir()) for kind in ZOO}  # before a process that would outlive a mistake
    keeper, counts = Keeper(zoo, limit), {"read": 0, "refused": 0, "broke": 0, "differs": 0}
    for kind, decoders in ZOO.items():
        for path in files[kind]:
            for decoder in decoders:
                name = f"{kind}/{path.name}"
                outcome, text = keeper.decode(decoder, name)
                counts[outcome] += 1
                expected = expectation(decoder, observed.get(name, {}))
                differs = expected is not None and expected != (text.split(",")[0] if outcome == "read" else "refused")
                counts["differs"] += differs
                print(f"{decoder:7} {name:48} {outcome:8} {text}" + (f"  <> {expected}" if differs else ""))
    print("  ".join(f"{name} {count}" for name, count in counts.items()))
    keeper.stop()


class Keeper:
    """Decodes in another process, and replaces it when it hangs or dies."""

    def __init__(self, root, limit):
        self.root, self.limit = root, limit
        self.start()

    def start(self):
        context = multiprocessing.get_context("spawn")
        self.here, there = context.Pipe()
        self.process = context.Process(target=serve, args=(there, self.root), daemon=True)
        self.process.start()
        there.close()
        self.here.recv()  # the libraries are imported

    def stop(self):
        self.process.kill()
        self.process.join()

    def decode(self, decoder, name):
        """``read`` and a shape, ``refused`` and the message, or ``broke`` and how."""
        self.here.send((decoder, name))
        try:
            if self.here.poll(self.limit):
                return self.here.recv()
            text = f"no answer in {self.limit:g} s"
        except EOFError:
            self.process.join()
            text = f"the process died ({self.process.exitcode})"
        self.stop()
        self.start()
        return "broke", text


def serve(pipe, root):
    """Decode what the pipe asks for."""
    from m5kit.errors import DecodeError
    from m5kit.registry import DECODERS

    made = {name: DECODERS.build({"type": name}) for names in ZOO.values() for name in names}
    pipe.send("ready")
    while True:
        decoder, name = pipe.recv()
        try:
            pipe.send(("read", describe(made[decoder](name, root))))
        except DecodeError as error:
            pipe.send(("refused", str(error).split(": ", 1)[1]))
        except Exception as error:  # what no decoder may raise is what this looks for
            pipe.send(("broke", f"{type(error).__name__}: {error}"))


def describe(decoded) -> str:
    """The size first, then enough of the values to see silent rubbish."""
    if hasattr(decoded, "waveform"):
        wave = decoded.waveform
        return f"{len(wave)} at {decoded.rate} Hz, peak {np.abs(wave).max():.3f}, mean {wave.mean():+.4f}"
    size = "x".join(map(str, decoded.shape[:-1]))
    colours = "/".join(f"{level:.0f}" for level in decoded.reshape(-1, 3).mean(0))
    return f"{size}, mean {colours}, {decoded.min()} to {decoded.max()}"


def read_observed(manifest: Path) -> dict[str, dict]:
    """What the manifest says of each file, if there is one."""
    if not manifest.is_file():
        return {}
    return {row["file"]: row["observed"] for row in map(json.loads, manifest.read_text().splitlines())}


def expectation(decoder: str, observed: dict) -> str | None:
    """What ``describe`` should begin with, or ``refused``; None if nobody looked."""
    if decoder in ("pillow", "simplejpeg"):
        seen = observed.get("pillow")
        return None if seen is None else expected_picture(seen)
    seen, other = observed.get("pyav"), observed.get("soundfile")
    if decoder == "sound" and isinstance(other, dict):
        return f"{other['frames']} at {other['rate']} Hz" if other["frames"] else "refused"
    if seen is None:
        return None
    return expected_sound(seen) if decoder == "sound" else expected_video(seen)


def expected_picture(seen) -> str:
    if seen["decode"] != "ok":
        return "refused"
    width, height = seen["size"]
    return f"{width}x{height}" if (seen["orientation"] or 1) > 4 else f"{height}x{width}"


def expected_sound(seen) -> str:
    if isinstance(seen, str) or not seen.get("audio_decoded") or seen["audio_decode"] != "ok":
        return "refused"
    rates = [stream["rate"] for stream in seen["streams"] if stream["type"] == "audio"]
    return f"{seen['audio_decoded']} at {rates[0]} Hz"


def expected_video(seen) -> str:
    if isinstance(seen, str) or not seen.get("video_decoded") or seen["video_decode"] != "ok":
        return "refused"
    stream = max((s for s in seen["streams"] if s["type"] == "video"), key=lambda s: s["w"] * s["h"])
    sides = (stream["h"], stream["w"]) if seen.get("rotation", 0) % 180 == 0 else (stream["w"], stream["h"])
    return "x".join(map(str, (min(seen["video_decoded"], FRAMES), *sides)))


def measure(folder: Path, rounds: int) -> None:
    """Print items a processor second and, within a group, the ratio to the first."""
    from m5kit.registry import DECODERS

    write_media(folder)
    videos = [name for name in ("pyav", "decord", "torchcodec") if is_there(name)]
    sounds = [name for name in ("sound", "torchcodec_sound") if is_there(name)]
    groups = {
        "video of 10 s, a key frame every 10 s": [({"type": name}, "long.mp4") for name in videos],
        "video of 10 s, a key frame every second": [({"type": name}, "short.mp4") for name in videos],
        "JPEG of 1200 pixels": [
            ({"type": "pillow"}, "a.jpg"),
            ({"type": "simplejpeg"}, "a.jpg"),
            ({"type": "pillow", "at_least": 448}, "a.jpg"),
            ({"type": "simplejpeg", "at_least": 448}, "a.jpg"),
        ],
        "sound of 10 s": [({"type": "sound"}, name) for name in ("a.flac", "a.wav", "a.ogg", "a.mp3", "long.mp4")],
        "MP3 of 10 s": [({"type": name}, "a.mp3") for name in sounds],
        "sound of a video of 10 s": [({"type": name}, "long.mp4") for name in sounds],
        "words": [({"type": "text"}, "a red mug " * 8), ({"type": "table"}, {str(i): "red" for i in range(8)})],
    }
    for title, arms in groups.items():
        calls = [(DECODERS.build(config), source) for config, source in arms]
        if title.startswith("video"):
            first, *others = (decoder(source, folder) for decoder, source in calls)
            for other in others:
                check_equal(first, other)
        names = [" ".join(map(str, [*config.values(), source if "." in source else ""])) for config, source in arms]
        report(title, names, alternate(calls, folder, rounds))


def is_there(decoder: str) -> bool:
    """Whether the libraries of a decoder are installed."""
    from m5kit.errors import MissingDependencyError
    from m5kit.registry import DECODERS

    try:
        DECODERS.build({"type": decoder})
    except MissingDependencyError as error:
        print(error)
        return False
    return True


def alternate(calls, folder: Path, rounds: int) -> list[list[float]]:
    """Seconds an item of every block, an arm a list; the first arm comes again at the end, to show the noise."""
    arms = [*calls, calls[0]]
    repeats = [max(1, round(0.2 / seconds(decoder, source, folder, 1))) for decoder, source in arms]
    times = [[] for _ in arms]
    for turn in range(2 * rounds):
        order = range(len(arms)) if turn % 2 else reversed(range(len(arms)))
        for arm in order:
            times[arm].append(seconds(*arms[arm], folder, repeats[arm]))
    return times


def seconds(decoder, source, folder: Path, count: int) -> float:
    """Processor seconds an item, over ``count`` times the same one."""
    started = time.process_time()
    for _ in range(count):
        decoder(source, folder)
    return (time.process_time() - started) / count


def report(title: str, names: list[str], times: list[list[float]]) -> None:
    medians = [statistics.median(blocks) for blocks in times]
    print(f"{title} (noise: {medians[-1] / medians[0]:.2f})")
    for name, median in zip(names, medians, strict=False):
        print(f"  {name:28} {1 / median:10.1f} a CPU second   {medians[0] / median:6.2f}")


def check_equal(one, other) -> None:
    """Refuse to time decoders that see different frames."""
    if (worst := np.abs(one.astype(int) - other.astype(int)).max()) > 3:
        raise SystemExit(f"the video decoders differ by up to {worst} levels; their speed says nothing")


def write_media(folder: Path) -> None:
    """Write a moving texture, a still of it, and a chord."""
    import soundfile
    from PIL import Image

    draw = np.random.default_rng(0)
    coarse = Image.fromarray(draw.integers(0, 256, (90, 160, 3), dtype=np.uint8))
    texture = np.asarray(coarse.resize((1280, 720), Image.Resampling.BICUBIC))
    coarse.resize((1200, 1200), Image.Resampling.BICUBIC).save(folder / "a.jpg", quality=88)
    clock, hiss = np.arange(441_000) / 44_100, draw.normal(0, 0.02, 441_000)
    wave = hiss + sum(0.2 * np.sin(2 * np.pi * pitch * clock) for pitch in (220, 277, 330))
    for name in ("a.flac", "a.wav", "a.ogg", "a.mp3"):
        soundfile.write(folder / name, wave, 44_100)
    for name, gop in (("long.mp4", 300), ("short.mp4", 30)):
        write_video(folder / name, texture, wave, gop)


def write_video(path: Path, texture, wave, gop: int) -> None:
    """300 frames of 640x360 that pan over the texture, with sound."""
    import av

    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0"}
        video = container.add_stream("libx264", rate=30, options=options)
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono")
        for number in range(300):
            view = np.ascontiguousarray(texture[number : number + 360, 2 * number : 2 * number + 640])
            container.mux(video.encode(av.VideoFrame.from_ndarray(view, format="rgb24")))
        container.mux(video.encode())
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44_100, 0, Fraction(1, 44_100)
        container.mux(audio.encode(frame))
        container.mux(audio.encode())


if __name__ == "__main__":
    main()
