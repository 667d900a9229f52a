"""What shards gain: reading them by index against webdataset's reader, and prepared videos against raw ones.

`reading`: the same tar files, every item, in one process: webdataset reads one after the other, the index at random.
Both hand out bytes. In `views` ours hands out views of the mapped file, as to decoders, which saves a copy: whoever
decodes touches the bytes. In `checked` it also compares each with its checksum and opens the tar files anew, as when
items are read for the first time.
`videos`: a clip and its sound from the disk to a batch, raw (H.264 and AAC, 640 x 360, 10 s), and from shards as
`--for` makes them: the pixels and the spectrogram that are read, compared with those of the raw clip first. `large`:
the same of clips of 1280 x 720. `small`: of 640 x 360 as `frames,frames=8,size=224,fit=crop` and `log_mel`, for a sixth
of the bytes; `flac`: the frames whole, and the sound as `flac,rate=16000`, of which any config makes its spectrogram.
`preparing`: products with a picture of 800 pixels, such a clip and its sound: processor time and bytes of each.

Contents are compared first. Both take turns (A B B A) in processor time; printed are median, least and most, and noise.

Run: python benchmarks/shards.py [NAME ...] [--items 2000] [--clips 6] [--rounds 7]; without a name all of them.
"""

import argparse
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _arguments import at_least, one_of
from PIL import Image

from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import SoundDecoder
from m5kit.data.manifest import read_manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.shards.prepare import prepare
from m5kit.data.shards.prepared import as_read_by
from m5kit.data.sources.manifest import ManifestItems
from m5kit.data.tars.members import forget_open_tars, open_tar
from m5kit.data.tars.tar import crc32
from m5kit.data.transforms.frames import FramesTransform
from m5kit.data.transforms.log_mel import LogMelTransform
from m5kit.structures import Inputs

PASSES = 20
"""Over prepared clips, for one over the raw ones."""

SIZE = 80_000
"""Bytes of a medium: a prepared picture with some frames."""

PREPARED = {
    "video": {"type": "frames", "frames": 8, "size": 224},
    "audio": {"type": "flac", "rate": 16_000, "source": "video"},
}
SMALL = {
    "video": {"type": "frames", "frames": 8, "size": 224, "fit": "crop"},
    "audio": {"type": "log_mel", "rate": 16_000, "source": "video"},
}

Run = Callable[[], object]


def reading(folder: Path, items: int, checked: bool = False, copied: bool = True) -> tuple[Run, ...]:
    """The reader of webdataset and ours over the same tar files, and what of each only goes through the bytes."""
    import webdataset

    random = np.random.default_rng(0)
    lines = []
    for number in range(items):
        (folder / f"{number}.jpg").write_bytes(random.bytes(SIZE))
        lines.append(f'{{"id": "{number}", "split": "train", "image": "{number}.jpg", "text": "mug {number}"}}\n')
    (folder / "annotations.jsonl").write_text("".join(lines), encoding="utf-8")
    out = folder / "shards"
    prepare(ManifestItems(root=folder), out, ("image", "text"))
    tars = sorted(map(str, out.glob("*.tar")))
    order = random.permutation(items)
    names = [(out / f"{number // 1000:06d}.tar", f"{number}.image.jpg", f"{number}.json") for number in order]

    def theirs() -> Iterator[tuple[str, bytes, bytes]]:
        for item in webdataset.WebDataset(tars, shardshuffle=False, empty_check=False):
            yield item["__key__"], item["image.jpg"], item["json"]

    def ours() -> Iterator[tuple[str, bytes | memoryview, bytes | memoryview]]:
        if checked:
            forget_open_tars()  # with them, which members were compared
        for tar, picture, row in names:
            opened = open_tar(tar)
            read = opened.read if copied else opened.view
            yield row.removesuffix(".json"), read(picture, checked), read(row, checked)

    assert sorted(theirs()) == sorted((name, bytes(picture), bytes(row)) for name, picture, row in ours())
    # nothing is kept while it is timed: to fill the memory would take both longer than to read
    views = [open_tar(tar).view(picture, False) for tar, picture, _ in names]
    in_order = [views[place] for place in np.argsort(order)]
    through = crc32 if checked else bytes if copied else len
    runs = theirs, ours, lambda: map(bytes, in_order), lambda: map(through, views)
    return tuple(partial(lambda run: deque(run(), 0), run) for run in runs)


def videos(
    folder: Path, clips: int, height: int = 360, prepared: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Run, Run]:
    """Raw clips and prepared ones, to what an encoder reads; without settings as it is read in evaluation."""
    lines = []
    for number in range(clips):
        write_clip(folder / f"{number}.mp4", number, height)
        lines.append(f'{{"id": "{number}", "split": "train", "video": "{number}.mp4"}}\n')
    (folder / "annotations.jsonl").write_text("".join(lines), encoding="utf-8")
    pipelines = {
        "video": Pipeline(PyAVDecoder(frames=8), FramesTransform(size=224, frames=8)),
        "audio": Pipeline(SoundDecoder(), LogMelTransform(seconds=10.0), source="video"),
    }
    out = folder / "shards"
    prepare(ManifestItems(root=folder), out, ("video",), prepared=prepared or as_read_by(pipelines))

    def read(root: Path) -> dict[str, Inputs]:
        items = list(read_manifest(root))
        batch = {}
        for modality, pipeline in pipelines.items():
            batch[modality] = Inputs.stack(
                [pipeline.prepare(pipeline.reference(item, modality), root) for item in items]
            )
        return batch

    raw, stored = read(folder), read(out)
    for modality, inputs in raw.items():
        near = (inputs.values.float() - stored[modality].values.float()).abs().mean().item()
        print(f"{modality}: {near:.4f} from the raw one on average")
        if prepared is None and near > 0.002:
            raise SystemExit("what was prepared is not what is read")
    size = sum(path.stat().st_size for path in out.iterdir()) / clips
    print(f"{folder.joinpath('0.mp4').stat().st_size / 1e6:.2f} MB raw, {size / 1e6:.2f} MB prepared")
    return lambda: read(folder), lambda: read(out)


def preparing(folder: Path, items: int) -> None:
    """Print what it takes to prepare products: processor time and bytes of each."""
    random = np.random.default_rng(0)
    texture = random.integers(0, 255, (200, 200, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    lines = []
    for number in range(items):
        Image.fromarray(np.roll(texture, number, 0)).save(folder / f"{number}.jpg", quality=88)
        write_clip(folder / f"{number}.mp4", number, 360)
        row = f'"split": "train", "image": "{number}.jpg", "video": "{number}.mp4", "text": "a red mug, {number}"'
        lines.append(f'{{"id": "{number}", {row}}}\n')
    (folder / "annotations.jsonl").write_text("".join(lines), encoding="utf-8")
    raw = sum(path.stat().st_size for path in folder.iterdir()) / items
    out = folder / "shards"
    prepared = {"image": {"type": "jpeg", "size": 256}, **PREPARED}
    taken = seconds(lambda: prepare(ManifestItems(root=folder), out, ("image", "video", "text"), prepared=prepared))
    kept = sum(path.stat().st_size for path in out.iterdir()) / items
    print(f"preparing {items / taken:.2f} items a second and core; {raw / 1e3:.0f} kB raw become {kept / 1e3:.0f} kB")


def write_clip(path: Path, seed: int, height: int) -> None:
    """Ten seconds of a moving picture with a sound."""
    import av

    random, width = np.random.default_rng(seed), height * 16 // 9
    coarse = Image.fromarray(random.integers(0, 255, (90, 400, 3)).astype(np.uint8))
    texture = np.asarray(coarse.resize((width * 5 // 2, height), Image.Resampling.BICUBIC))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30, options={"crf": "23"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono")
        for number in range(300):
            view = np.ascontiguousarray(texture[:, number * 3 : number * 3 + width])
            frame = av.VideoFrame.from_ndarray(view, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for start in range(0, 441_000, 1024):
            wave = np.sin(np.arange(start, start + 1024, dtype=np.float32)[None] / 20)
            sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 44_100, start, Fraction(1, 44_100)
            container.mux(audio.encode(sound))
        container.mux(audio.encode())


def seconds(run: Run) -> float:
    """Processor seconds."""
    started = time.process_time()
    run()
    return time.process_time() - started


def without_bytes(runs: tuple[Run, ...], items: int, rounds: int) -> None:
    """Print what both readers take without going through the bytes of media, which whoever hands them out must."""
    slow, quick, copying, through = (
        1e6 * statistics.median(seconds(run) / items for _ in range(rounds)) for run in runs
    )
    print(
        f"         to go through the bytes takes {copying:.0f} of {slow:.0f} µs and {through:.0f} of {quick:.0f} µs; "
        f"ratio of the readers without it {(slow - copying) / (quick - through):.1f}"
    )


def compare(name: str, slow: Run, quick: Run, items: int, rounds: int, passes: int = 1) -> None:
    """Print items a second of both, their ratio and the noise; ``quick`` runs ``passes`` times for each of ``slow``."""
    times: dict[str, list[float]] = {"slow": [], "quick": []}
    for number in range(rounds):
        order = [("slow", slow), ("quick", quick)]
        for side, run in order if number % 2 == 0 else reversed(order):
            count = passes if side == "quick" else 1
            times[side].append(seconds(lambda run=run, count=count: deque((run() for _ in range(count)), 0)) / count)
    ratios = sorted(one / other for one, other in zip(times["slow"], times["quick"], strict=True))
    noise = max(times["quick"]) / min(times["quick"])
    a, b = (items / statistics.median(times[side]) for side in ("slow", "quick"))
    spread = f"({ratios[0]:.1f} to {ratios[-1]:.1f})"
    print(
        f"{name:8s} {a:9.1f} and {b:9.1f} items a second and core; ratio {statistics.median(ratios):.1f} {spread}; ",
        end="",
    )
    print(f"the quicker one against itself at most {noise:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = ["reading", "checked", "views", "videos", "large", "small", "flac", "preparing"]
    parser.add_argument("names", nargs="*", type=one_of(kinds), default=kinds)
    parser.add_argument("--items", type=at_least(1), default=2000)
    parser.add_argument("--clips", type=at_least(1), default=4)
    parser.add_argument("--rounds", type=at_least(1), default=7)
    options = parser.parse_args()
    makers = {
        "reading": (reading, options.items),
        "checked": (partial(reading, checked=True, copied=False), options.items),
        "views": (partial(reading, copied=False), options.items),
        "videos": (videos, options.clips),
        "large": (partial(videos, height=720), options.clips),
        "small": (partial(videos, prepared=SMALL), options.clips),
        "flac": (partial(videos, prepared=PREPARED), options.clips),
    }
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            if name == "preparing":
                preparing(Path(folder), options.clips)
                continue
            maker, count = makers[name]
            slow, quick, *bytes_alone = maker(Path(folder), count)
            # a few clips are prepared ones for milliseconds: too short for a clock, and for what others left in caches
            compare(name, slow, quick, count, options.rounds, passes=PASSES if not bytes_alone else 1)
            if bytes_alone:
                without_bytes((slow, quick, *bytes_alone), count, options.rounds)


if __name__ == "__main__":
    main()
