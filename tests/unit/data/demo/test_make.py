import json
from dataclasses import replace

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from m5kit.data.demo import make_demo
from m5kit.data.demo.picture import beats_per_second, photo, video
from m5kit.data.demo.products import draw_product
from m5kit.data.demo.sound import RATE, sound
from m5kit.data.demo.words import MATERIALS, table, title
from m5kit.data.manifest import read_manifest
from m5kit.data.validate import validate
from m5kit.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "shop"
    make_demo(path, items=60, seed=7, workers=1)
    return path


@pytest.fixture
def product(rng):
    return draw_product(rng)


def test_the_set_is_valid_and_readable(folder):
    assert validate(folder).problems == ()
    manifest = read_manifest(folder)
    assert len(manifest) == 60
    assert set(manifest[0].labels) == {"coarse", "fine"}


def test_media_are_real_files_of_the_promised_shape(folder):
    sample = next(sample for sample in read_manifest(folder) if len(sample.sources) == 5)
    assert Image.open(folder / sample.sources["image"]).size == (96, 96)
    wave, rate = soundfile.read(folder / sample.sources["audio"])
    assert (len(wave), rate) == (24000, 16000)
    with av.open(str(folder / sample.sources["video"])) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.stack(frames).shape == (12, 64, 64, 3)


def test_the_same_seed_gives_the_same_files_with_any_number_of_workers(folder, tmp_path):
    make_demo(tmp_path / "again", items=60, seed=7, workers=2)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for file in files:
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_another_seed_gives_another_set(folder, tmp_path):
    make_demo(tmp_path / "other", items=40, seed=8, workers=1)
    first = [(path / "annotations.jsonl").read_text().splitlines()[0] for path in (folder, tmp_path / "other")]
    assert first[0] != first[1]


def test_the_truth_stands_beside_and_agrees_with_the_labels(folder):
    rows, truth = (
        [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for name in ("annotations.jsonl", "truth.jsonl")
    )
    assert [row["id"] for row in rows] == [fact["id"] for fact in truth]
    assert all(
        row["labels"] == {"coarse": f["category"], "fine": f["product"]} for row, f in zip(rows, truth, strict=True)
    )
    assert all({m for m in f["shown"] if row[m] is None} == set() for row, f in zip(rows, truth, strict=True))
    assert "60 items made by" in (folder / "README.md").read_text()


def test_a_folder_with_something_in_it_is_left_alone(folder):
    with pytest.raises(DataError, match="is not empty; name a new folder"):
        make_demo(folder, items=60)


def test_a_slow_product_bounces_less_often_and_sounds_with_it(product, rng):
    slow = replace(product, speed=0.0, traits=product.traits | {"motion": 1})
    fast = replace(slow, speed=1.0)
    assert (beats_per_second(slow), beats_per_second(fast)) == (1.0, pytest.approx(2.6))
    onsets = [_beats(sound(each, rng)) for each in (slow, fast)]
    assert onsets[0] in (1, 2)
    assert onsets[1] in (3, 4)


def test_a_larger_product_sounds_lower(product, rng):
    soft = replace(product, traits=product.traits | {"timbre": 0, "motion": 0})
    pitches = []
    for size in (0.0, 1.0):
        spectrum = abs(np.fft.rfft(sound(replace(soft, size=size), rng)))
        pitches.append(spectrum.argmax() * RATE / 24000)
    assert pitches == [pytest.approx(880, abs=3), pytest.approx(220, abs=3)]


def test_a_steady_product_glides_across_and_a_bouncing_one_goes_up_and_down(product, rng):
    spreads = []
    for motion in (0, 1):
        frames = video(replace(product, traits=product.traits | {"motion": motion}), rng).astype(float)
        moving = abs(frames - np.median(frames, axis=0)).sum(-1)
        spreads.append((_spread(moving.sum(1)), _spread(moving.sum(2))))
    assert spreads[0][0] > spreads[0][1]
    assert spreads[1][0] < spreads[1][1]


def test_photos_of_one_product_differ(product, rng):
    assert photo(product, rng).tobytes() != photo(product, rng).tobytes()


def test_words_tell_the_traits(product, rng):
    for timbre in (0, 1):
        shown = replace(product, size=0.5, traits=product.traits | {"timbre": timbre})
        properties = table(shown, rng)
        assert properties["material"] in MATERIALS[timbre]
        assert properties["size_mm"] == 180
    titles = [title(product, rng) for _ in range(500)]
    chinese = sum(any("一" <= letter <= "鿿" for letter in text) for text in titles) / 500
    assert chinese == pytest.approx(0.2, abs=0.06)
    assert all(titles)


def _beats(wave):
    loud = abs(wave).reshape(-1, 400).max(1)
    rises = np.diff(np.log(loud + 1e-6)) > 0.5
    return int((rises[1:] & ~rises[:-1]).sum() + rises[0])


def _spread(mass):
    """How far the centre of the moving mass ``t l`` wanders."""
    places = np.arange(mass.shape[1])
    return ((mass * places).sum(1) / mass.sum(1)).std()
