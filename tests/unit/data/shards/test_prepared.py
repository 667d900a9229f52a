"""What media become, and whether it is enough for a run."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import SoundDecoder
from m5kit.data.manifest import read_manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.shards.prepare import prepare
from m5kit.data.shards.prepared import build_preparer, require_prepared_for
from m5kit.data.sources.manifest import ManifestItems
from m5kit.data.transforms.frames import FramesTransform
from m5kit.data.transforms.image import ImageTransform
from m5kit.data.transforms.waveform import Waveform
from m5kit.errors import ConfigError

PREPARED = {
    "image": {"type": "jpeg", "size": 40},
    "video": {"type": "frames", "frames": 4, "size": 32},
    "audio": {"type": "flac", "rate": 8000, "source": "video"},
}


@pytest.fixture(scope="module")
def shards(shop, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "shop.shards"
    prepare(ManifestItems(root=shop), out, ("audio", "image", "table", "text", "video"), prepared=PREPARED)
    return out


def test_a_picture_has_the_asked_for_shorter_side(shop):
    content, suffix = build_preparer({"type": "jpeg", "size": 40})("0.jpg", shop, False)
    assert suffix == "jpg"
    assert Image.open(io.BytesIO(content)).size == (60, 40)


def test_a_small_picture_keeps_its_size(shop):
    content, _ = build_preparer({"type": "jpeg", "size": 100})("0.jpg", shop, False)
    assert Image.open(io.BytesIO(content)).size == (90, 60)


def test_prepared_frames_are_those_that_a_run_would_decode(shop, tmp_path):
    content, suffix = build_preparer({"type": "frames", "frames": 4, "size": 48})("1.mp4", shop, False)
    (tmp_path / f"clip.{suffix}").write_bytes(content)
    raw = PyAVDecoder(frames=4)("1.mp4", shop).astype(int)
    read = PyAVDecoder(frames=4)("clip.avi", tmp_path).astype(int)
    assert raw.shape == read.shape == (4, 48, 64, 3)
    assert abs(raw - read).max() <= 3
    assert len(PyAVDecoder(frames=2)("clip.avi", tmp_path)) == 2


def test_sound_is_resampled_and_may_come_from_a_clip(shop, shards):
    content, suffix = build_preparer({"type": "flac", "rate": 8000})("3.flac", shop, False)
    wave, rate = soundfile.read(io.BytesIO(content))
    assert (suffix, rate, len(wave)) == ("flac", 8000, 16_000)
    assert abs(wave[100:-100] - np.sin(np.arange(32_000) / 20)[::2][100:-100]).max() < 2e-3
    clip = read_manifest(shards)[1]
    assert len(SoundDecoder()(clip.sources["audio"], shards).waveform) == pytest.approx(12_000, rel=0.1)


@pytest.mark.parametrize("settings", PREPARED.values(), ids=PREPARED)
def test_the_same_file_gives_the_same_bytes(shop, settings):
    reference = {"jpeg": "0.jpg", "frames": "1.mp4", "flac": "3.flac"}[settings["type"]]
    preparer = build_preparer(settings)
    assert preparer(reference, shop, False) == preparer(reference, shop, False)


def test_what_cannot_be_decoded_is_a_recorded_failure(shards):
    lines = (shards / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    # the damaged clip fails as a clip and as a sound; features are no picture
    assert [re.findall(r'"(?:id|modality)": "([^"]+)"', line) for line in lines] == [
        ["item.2", "image"], ["item.5", "image"], ["item.6", "audio"], ["item.6", "video"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"type": "gif"}, "'gif' is no kind of file"),
        ({"type": "jpeg", "side": 3}, "jpeg has no setting 'side'; it has source, size, quality"),
        ({"type": "jpeg", "size": "big"}, "jpeg.size: expected a whole number over 0, got 'big'"),
        ({"type": "flac", "rate": 0}, "flac.rate: expected a whole number over 0, got 0"),
    ],
)
def test_wrong_settings_are_mistakes(settings, message):
    with pytest.raises(ConfigError, match=message):
        build_preparer(settings)


def pipelines(size=40, frames=4, rate=8000, fps=None):
    return {
        "image": Pipeline(PillowDecoder(), ImageTransform(size=size)),
        "video": Pipeline(PyAVDecoder(frames=frames, fps=fps), FramesTransform(size=32, frames=frames)),
        "audio": Pipeline(SoundDecoder(), Waveform(rate=rate)),
        "text": Pipeline(SimpleNamespace(), SimpleNamespace()),
    }


def test_shards_serve_a_config_that_asks_for_no_more(shards, shop):
    require_prepared_for(shards, pipelines())
    require_prepared_for(shards, pipelines(size=16, frames=2))
    require_prepared_for(shop, pipelines(size=999))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"size": 64}, "input_image asks for size 64, and .* was prepared with size 40, quality 90"),
        ({"frames": 8}, "input_video asks for frames 8"),
        ({"fps": 2.0}, "input_video asks for fps 2"),
        ({"rate": 16_000}, "input_audio asks for rate 16000"),
    ],
)
def test_a_config_that_asks_for_more_is_told_what_to_do(shards, asked, message):
    with pytest.raises(ConfigError, match=message):
        require_prepared_for(shards, pipelines(**asked))
