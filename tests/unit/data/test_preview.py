"""Items as a person looks at them: small, and whatever their decoders give."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode.features import Features
from m5kit.data.decode.sound import Sound
from m5kit.data.pipeline import Pipeline
from m5kit.data.preview import CELL, EDGE, FRAME, FRAMES, LETTERS, ROWS, SOUND, preview, sound_picture
from m5kit.errors import DecodeError
from m5kit.structures import Sample


class Given:
    """Decodes to what it was made with."""

    def __init__(self, decoded):
        self.decoded = decoded

    def __call__(self, source, root):
        if self.decoded is None:
            raise DecodeError("it is damaged")
        return self.decoded


def shown(decoded, tmp_path):
    (part,) = preview(Sample("a", {"m": "x"}), tmp_path, {"m": Pipeline(Given(decoded), None)})
    assert part.modality == "m"
    return part.kind, part.value


def opened(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(b64decode(data)))


@pytest.mark.parametrize(("height", "width"), [(600, 400), (20, 30)])
def test_a_picture_is_small_and_keeps_its_shape(height, width, tmp_path):
    kind, value = shown(np.full((height, width, 3), 90, np.uint8), tmp_path)
    picture = opened(value)
    assert kind == "picture"
    assert max(picture.size) <= EDGE
    assert picture.width / picture.height == pytest.approx(width / height, rel=0.03)
    assert len(value) < 8000


def test_a_clip_is_a_strip_of_frames_from_first_to_last(tmp_path):
    clip = np.zeros((9, 80, 80, 3), np.uint8)
    clip[0, ..., 0] = clip[-1, ..., 2] = 255
    kind, value = shown(clip, tmp_path)
    strip = np.asarray(opened(value)).astype(int)
    assert (kind, strip.shape) == ("strip", (FRAME, FRAMES * FRAME, 3))
    assert strip[FRAME // 2, 5, 0] > 200
    assert strip[FRAME // 2, -5, 2] > 200


def test_a_sound_shows_when_it_is_loud_and_how_high_it_is():
    rate, (width, height) = 8000, SOUND
    time = np.arange(2 * rate) / rate
    tone = np.where(time < 1, np.sin(2 * np.pi * 3500 * time), 0).astype(np.float32)
    picture = sound_picture(Sound(tone, rate)).astype(int)
    assert picture.shape == (height, width, 3)
    red = (picture[..., 0] - picture[..., 1]) > 100
    rows = np.flatnonzero(red[:, 10])
    assert rows.max() - rows.min() > 0.8 * height
    assert np.ptp(np.flatnonzero(red[:, -10])) <= 1
    dark = picture[1:-1, 10].sum(axis=1).argmin() + 1
    assert dark < height / 4  # 3500 of at most 4000 Hz are near the top


def test_a_sound_shorter_than_a_window_is_shown_too():
    assert sound_picture(Sound(np.zeros(3, np.float32), 8000)).shape == (SOUND[1], SOUND[0], 3)


def test_words_and_rows_are_cut(tmp_path):
    kind, text = shown("word " * 100, tmp_path)
    assert kind == "words"
    assert len(text) <= LETTERS
    assert text.endswith("…")
    kind, rows = shown({"box": ("lid", "bag"), "x": "y" * 99, "c": 1, "d": True, "e": 0}, tmp_path)
    assert (kind, len(rows)) == ("rows", ROWS)
    assert rows[0] == ["box", "lid, bag"]
    assert len(rows[1][1]) == CELL


def test_what_has_no_picture_is_told_in_words(tmp_path):
    assert shown(Features(np.zeros((36, 2048), np.float32), None), tmp_path) == ("note", "36 features of width 2048")
    assert shown(object(), tmp_path) == ("note", "object is not shown")
    assert shown(None, tmp_path) == ("note", "cannot be read")


def test_a_missing_modality_is_left_out(tmp_path):
    pipelines = {m: Pipeline(Given("words"), None) for m in ("a", "b")}
    assert [part.modality for part in preview(Sample("a", {"b": "x"}), tmp_path, pipelines)] == ["b"]


def test_several_pictures_of_an_item_are_shown_in_a_row_and_other_values_one_by_one(tmp_path):
    class Several:
        reads_lists = False

        def __call__(self, source, root):
            if source == "damaged":
                raise DecodeError("damaged")
            return source if source.startswith("a ") else np.full((80, 40 + len(source), 3), 9, np.uint8)

    pipelines = {"m": Pipeline(Several(), None)}
    (row,) = preview(Sample("a", {"m": ["x", "yy", "zzz"]}, {}), tmp_path, pipelines)
    assert row.kind == "strip"
    assert opened(row.value).size == (3 * FRAME, FRAME)
    parts = preview(Sample("a", {"m": ["a mug", "damaged", "a cup", "a jar", "a pot"]}), tmp_path, pipelines)
    assert [part.value for part in parts] == ["a mug", "cannot be read", "a cup", "a jar"]
