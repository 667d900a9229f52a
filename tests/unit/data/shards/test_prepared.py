"""What media become, and whether it is enough for a run."""

import io
import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image
from torch.testing import assert_close

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import SoundDecoder
from m5kit.data.decode.text import TextDecoder
from m5kit.data.manifest import read_manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.shards.prepare import prepare
from m5kit.data.shards.prepared import as_read_by, build_preparer, require_prepared_for
from m5kit.data.sources.manifest import ManifestItems
from m5kit.data.transforms._augment_sound import SoundAugmentation
from m5kit.data.transforms.frames import FramesTransform
from m5kit.data.transforms.image import ImageTransform
from m5kit.data.transforms.log_mel import LogMelTransform
from m5kit.data.transforms.tokenize import TokenizeTransform
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


READ = {
    "image": {"type": "pixels", "size": 40},
    "video": {"type": "pixels", "frames": 4, "size": 32},
    "audio": {"type": "log_mel", "rate": 8000, "mels": 16, "window": 200, "hop": 80, "source": "video"},
}


@pytest.mark.parametrize("settings", [*PREPARED.values(), *READ.values()])
def test_the_same_file_gives_the_same_bytes(shop, settings):
    files = {"jpeg": "0.jpg", "frames": "1.mp4", "flac": "3.flac", "log_mel": "3.flac"}
    reference = files.get(settings["type"]) or ("1.mp4" if "frames" in settings else "0.jpg")
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
        ({"type": "jpeg", "side": 3}, "jpeg has no setting 'side'; it has source, size, quality, fit"),
        ({"type": "jpeg", "fit": "pad"}, "jpeg.fit: expected whole or crop, got 'pad'"),
        ({"type": "jpeg", "size": "big"}, "jpeg.size: expected a whole number over 0, got 'big'"),
        ({"type": "flac", "rate": 0}, "flac.rate: expected a whole number over 0, got 0"),
    ],
)
def test_wrong_settings_are_mistakes(settings, message):
    with pytest.raises(ConfigError, match=message):
        build_preparer(settings)


def reading(fit="crop", **augmented):
    mel = LogMelTransform(seconds=1.0, rate=8000, mels=16, augmentation=SoundAugmentation(augment="light", **augmented))
    return {
        "image": Pipeline(PillowDecoder(), ImageTransform(size=40, fit=fit)),
        "video": Pipeline(PyAVDecoder(frames=4), FramesTransform(size=32, frames=4, fit=fit)),
        "audio": Pipeline(SoundDecoder(), mel, source="video"),
        "text": Pipeline(TextDecoder(), TokenizeTransform(max_tokens=8)),
    }


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_what_is_made_for_a_config_is_what_its_evaluation_reads(shop, tmp_path, fit):
    wanted = reading(fit)
    made = as_read_by(wanted)
    assert {name: settings["type"] for name, settings in made.items()} == {
        "image": "pixels", "video": "pixels", "audio": "log_mel",
    }  # fmt: skip
    out = tmp_path / "shards"
    prepare(ManifestItems(root=shop), out, ("audio", "image", "text", "video"), prepared=made)
    require_prepared_for(out, wanted)
    compared = Counter()
    for raw, stored in zip(read_manifest(shop), read_manifest(out), strict=True):
        for modality in made.keys() & stored.sources.keys():
            pipeline = wanted[modality]
            one = pipeline.prepare(pipeline.reference(raw, modality), shop).values
            other = pipeline.prepare(pipeline.reference(stored, modality), out).values
            # numbers of 16 bits are the only thing that is lost
            assert_close(other, one, atol=0.01 if modality == "audio" else 0, rtol=0)
            compared[modality] += 1
    assert compared == {"image": 7, "video": 2, "audio": 3}


def test_samples_are_stored_for_what_augments_samples():
    assert as_read_by(reading(noise=10.0))["audio"] == {"type": "flac", "rate": 8000, "source": "video"}
    clip = {"video": Pipeline(PyAVDecoder(frames=4, fps=2.0), FramesTransform(size=32, frames=4))}
    assert as_read_by(clip) == {}


@pytest.mark.parametrize(
    ("kind", "asked", "message"),
    [
        ("image", {"fit": "pad"}, "input_image asks for fit pad"),
        ("video", {"fit": "stretch"}, "input_video asks for fit stretch"),
        ("audio", {"speed": 0.1}, "input_audio asks for augmented samples"),
    ],
)
def test_what_was_stored_for_another_reading_is_refused(shop, tmp_path, kind, asked, message):
    prepare(
        ManifestItems(root=shop), tmp_path / "out", ("image", "video"), prepared={kind: as_read_by(reading())[kind]}
    )
    with pytest.raises(ConfigError, match=message):
        require_prepared_for(tmp_path / "out", reading(**asked))


def test_the_middle_of_a_picture_can_be_stored_alone(shop):
    content, _ = build_preparer({"type": "jpeg", "size": 40, "fit": "crop"})("0.jpg", shop, False)
    middle = np.asarray(Image.open(shop / "0.jpg").crop((15, 0, 75, 60)).resize((40, 40), Image.Resampling.BICUBIC))
    assert np.abs(np.asarray(Image.open(io.BytesIO(content))).astype(int) - middle).mean() < 15
    other = Pipeline(PillowDecoder(), ImageTransform(size=32, fit="pad"))
    settings = build_preparer({"type": "jpeg", "size": 40, "fit": "crop"})
    assert settings.shortfall(other.decoder, other.transform) == "fit pad"


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
