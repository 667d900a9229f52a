"""Whole files of every kind that m5kit reads, which the fuzz tests damage, and the rules that hold for each input."""

import faulthandler
import json
import os
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from m5kit.errors import M5KitError

INPUTS = int(os.environ.get("M5KIT_FUZZ", "0"))
"""Inputs of a long run, of all tests together."""

SKIP = int(os.environ.get("M5KIT_FUZZ_SKIP", "0"))
"""Inputs of each test that an earlier, interrupted run has tried already."""

TESTS = 11
SHORT = 20
"""Inputs of each test where none is asked for."""

PHASES = set(Phase) - {Phase.explain}
"""Hypothesis follows every line of Python to explain a finding, which makes each input several times as slow."""

ROUND = 500
"""Inputs after which hypothesis begins anew, as it remembers all that it has tried."""

LIMIT = 20
"""Processor seconds that one input may take."""

PATIENCE = 120
"""Seconds of the clock after which an input has hung, on a machine with other things to do."""

TRACEBACK = (Path(tempfile.gettempdir()) / "m5kit-fuzz.txt").open("a")
"""Where an input that takes longer leaves its traceback; pytest takes standard error away."""

GROWTH = 200
"""MiB by which the process may grow after the first rounds."""

NASTY = (
    *(
        b"\x00",
        b"\xff" * 8,
        b"\n",
        b'"',
        b"{",
        b"[" * 3000,
        b"}",
        b",",
        b"\t",
        b"-",
        b"9" * 500,
        b"NaN",
        b"1e999",
        b"null",
    ),
    *(
        b'"\\ud83d"',
        "\u2028".encode(),
        b"\xed\xa0\x80",
        b"../../etc/passwd",
        b"/dev/zero",
        b"true",
        b"&a [*a, *a]",
        b"!!python/object:os",
    ),
    *(b"$(x)", b": ", b"#", b"~", b"{}", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"),
)
"""What is put into a file at some place."""


@st.composite
def damaged(draw: st.DrawFn, files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """One of the files, by name and content, with up to five changes."""
    name, content = draw(st.sampled_from(files))
    changes = st.tuples(
        st.sampled_from(["put", "cut", "flip", "end", "double"]), st.integers(0, 9999), st.integers(0, 255)
    )
    for kind, place, number in draw(st.lists(changes, max_size=5)):
        at = len(content) * place // 10_000
        if kind == "put":
            content = content[:at] + NASTY[number % len(NASTY)] + content[at + number % 3 :]
        elif kind == "cut":
            content = content[:at] + content[at + number + 1 :]
        elif kind == "flip" and content:
            content = content[:at] + bytes([content[at] ^ (number or 1)]) + content[at + 1 :]
        elif kind == "end":
            content = content[: at + 1]
        elif kind == "double":
            content = content[:at] + content[at : at + 4 * number] + content[at:]
    return name, content


@pytest.fixture
def fuzz(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Gives damaged files to a function, which may raise the errors that a user sees, and no others.

    A crash ends the test process, and so does an input that takes too long; see ``TRACEBACK``.
    """

    def run(
        files: Sequence[tuple[str, bytes]], read: Callable[[str, bytes], object], allowed: type[M5KitError] = M5KitError
    ) -> None:
        for file in files:  # the first time imports libraries, which may take longer than an input
            with suppress(allowed):
                read(*file)
        wanted = max(INPUTS // TESTS, SHORT)
        before, rounds = None, range(SKIP, wanted, ROUND)
        for begin in rounds:
            _round(files, read, allowed, begin, min(ROUND, wanted - begin))
            before = _private_memory() if begin <= SKIP + wanted // 5 else before
            if len(rounds) > 1:  # a long run takes minutes and tells how far it is
                with capfd.disabled():
                    sys.stdout.write(_progress(request.node.name, min(begin + ROUND, wanted), wanted))
                    sys.stdout.flush()
        assert _private_memory() - (before or 0) < GROWTH

    return run


def _round(
    files: Sequence[tuple[str, bytes]],
    read: Callable[[str, bytes], object],
    allowed: type[M5KitError],
    begin: int,
    count: int,
) -> None:
    @seed(begin)
    @settings(max_examples=count, deadline=None, database=None, phases=PHASES, suppress_health_check=list(HealthCheck))
    @given(damaged(files))
    def attempt(file: tuple[str, bytes]) -> None:
        before = time.process_time()
        faulthandler.dump_traceback_later(PATIENCE, exit=True, file=TRACEBACK)
        try:
            # the error that a user sees; any other fails
            with suppress(allowed):
                read(*file)
        finally:
            faulthandler.cancel_dump_traceback_later()
        assert time.process_time() - before < LIMIT

    attempt()


def _progress(test: str, done: int, wanted: int) -> str:
    return f"{test}: {done:,} of {wanted:,} inputs, {_private_memory():.0f} MiB, {time.process_time():.0f} s\n"


def _private_memory() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Pictures, sounds, videos and arrays, a few kilobytes each."""
    folder = tmp_path_factory.mktemp("media")
    _write_pictures(folder)
    _write_sounds(folder)
    _write_arrays(folder)
    for name in ("a.mp4", "a.mkv"):
        _write_video(folder / name)
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


def _write_pictures(folder: Path) -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    picture = Image.fromarray(pixels)
    for kind in ("jpg", "png", "gif", "webp", "bmp", "tif", "ppm", "pcx", "ico"):
        picture.save(folder / f"a.{kind}", exif=_exif()) if kind in ("jpg", "webp") else picture.save(
            folder / f"a.{kind}"
        )


def _exif() -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _write_sounds(folder: Path) -> None:
    import soundfile

    wave = np.sin(np.arange(4000) / 9).astype(np.float32)
    for kind in ("wav", "flac", "ogg", "mp3", "aiff", "au"):
        soundfile.write(folder / f"a.{kind}", wave, 8000)


def _write_video(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for grey in range(0, 200, 40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), grey, np.uint8))))
        container.mux(stream.encode())


def _write_arrays(folder: Path) -> None:
    import h5py
    from safetensors.numpy import save_file

    arrays = {"features": np.ones((3, 4), np.float32), "boxes": np.full((3, 4), 0.5, np.float32)}
    np.save(folder / "a.npy", arrays["features"])
    np.savez(folder / "a.npz", **arrays)
    save_file(arrays, folder / "a.safetensors")
    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values


ROWS = (
    {
        "id": "a",
        "split": "train",
        "text": "a red mug",
        "table": {"size": 3, "colour": "red"},
        "labels": {"kind": "mug"},
    },
    {"id": "b", "split": "test", "text": None, "table": {"size": 4.5, "tags": ["x", "y"]}, "image": "b.png"},
    {"id": "c", "split": "train", "text": "杯子 \u2028", "labels": {"kind": "cup"}},
)


@pytest.fixture(scope="session")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """One manifest of each format."""
    from m5kit.data.importers.writer import ManifestWriter

    found = []
    for kind in ("jsonl", "parquet", "arrow"):
        folder = tmp_path_factory.mktemp(kind)
        with ManifestWriter(folder, kind) as writer:
            for row in ROWS:
                writer.add(row)
        found.append((writer.path.name, writer.path.read_bytes()))
    return found


@pytest.fixture(scope="session")
def sources(manifests: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """One source of each importer that reads a file."""
    lines = b'id,text,size\na,a red mug,3\nb,"a, b\nc",4\n'
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in {"a.txt": b"a mug", "a.json": json.dumps(ROWS[0]).encode(), "b.txt": b"a cup"}.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, BytesIO(content))
    parquet = dict(manifests)["annotations.parquet"]
    return [
        ("a.csv", lines),
        ("a.tsv", lines.replace(b",", b"\t")),
        ("a.parquet", parquet),
        ("a.tar", packed.getvalue()),
    ]


@pytest.fixture(scope="session")
def shards(media: list[tuple[str, bytes]], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """All files of a folder of shards."""
    from m5kit.data.shards.prepare import prepare
    from m5kit.data.sources.manifest import ManifestItems

    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("packed") / "shards"
    rows = [{**row} for row in ROWS]
    for row, (name, content) in zip(rows, media, strict=False):
        (source / name).write_bytes(content)
        row["image"] = name
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (source / "annotations.jsonl").write_text(text, encoding="utf-8")
    prepare(ManifestItems(root=source), out, ("image", "table", "text"), items=2)
    return [(path.name, path.read_bytes()) for path in sorted(out.iterdir()) if path.is_file()]
