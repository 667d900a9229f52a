"""A loaded run: the bits of ``m5kit embed`` whatever form items have, and one error for all that cannot be used."""

import pickle
import threading

import av
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import m5kit
from m5kit.errors import BadItemsError, CheckpointError, ConfigError
from m5kit.public.loading import load


def pixels_of(path):
    with av.open(str(path)) as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
        return frames, float(container.streams.video[0].average_rate)


def with_changed(item, **changes):
    return {name: changes[name](value) if name in changes else value for name, value in item.items()}


FORMS = {
    "texts of paths": {"image": str, "video": str, "audio": str},
    "bytes": dict.fromkeys(("image", "video", "audio"), lambda path: path.read_bytes()),
    "objects": {"image": Image.open, "video": pixels_of, "audio": lambda path: soundfile.read(path)},
    "tensors": {
        "image": lambda path: torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1),
        "audio": lambda path: dict(zip(("array", "sampling_rate"), soundfile.read(path), strict=True)),
    },
}


@pytest.fixture(scope="module")
def vectors(run, items):
    return run.embed(items)


def test_the_vectors_are_those_of_the_command_bit_by_bit(run, rows, items):
    stored = run.trained.embed_items(["pretrain"], None, "item")
    chosen = [item for item, row in zip(items, rows, strict=True) if row["split"] == "pretrain"]
    assert len(chosen) > 8  # more than one thread reads at once
    assert np.array_equal(run.embed(chosen), stored.vectors)
    assert run.embed(chosen).dtype == np.float32


@pytest.mark.parametrize("form", FORMS)
def test_whatever_form_an_item_has_its_bits_are_the_same(run, items, vectors, form):
    assert np.array_equal(run.embed([with_changed(item, **FORMS[form]) for item in items]), vectors)


def test_paths_may_be_relative_to_a_folder_and_must_not_leave_it(run, demo, items, vectors):
    inside = {name: lambda path: path.relative_to(demo) for name in ("image", "video", "audio")}
    assert np.array_equal(run.embed([with_changed(item, **inside) for item in items], root=demo), vectors)
    with pytest.raises(BadItemsError, match=r"item 1: image: .*the path leaves the data's root"):
        run.embed([{"text": "a mug"}, {"image": "../elsewhere.jpg"}], root=demo)


def test_batches_of_like_length_change_rounding_alone_and_keep_the_order(run, items, vectors):
    assert np.abs(run.embed(items, batch_size=5) - vectors).max() < 1e-5


def test_half_precision_is_near(run, items, vectors):
    half = run.embed(items, precision="bf16")
    assert half.dtype == np.float32
    assert 0 < np.abs(half - vectors).max() < 0.05


def test_the_model_sees_only_the_modalities_that_are_named(run, items):
    assert np.array_equal(
        run.embed(items[:4], modalities=["text"], errors="skip").vectors,
        run.embed([{"text": item["text"]} for item in items[:4] if "text" in item]),
    )


def test_spaces_have_the_widths_that_they_say(run, items):
    some = next(item for item in items if len(item) == len(run.modalities))
    for space, width in run.spaces.items():
        assert run.embed([some], space=space).shape == (1, width)
    assert run.width == run.spaces["item"]


BAD = [
    {"text": "a red mug"},
    {"image": "nowhere.jpg", "text": "a red mug"},
    {"txt": "a red mug"},
    {},
    {"text": None},
    {"text": ""},
    {"text": 5},
    "a red mug",
    {"image": b"no picture"},
    {"text": b"a red mug"},
    {"audio": np.zeros(5)},
    {"audio": (np.zeros(0), 16_000)},
    {"video": np.zeros((2, 8, 8, 3))},
    {"image": np.zeros((8, 8, 7), np.uint8)},
    {"text": Image.new("RGB", (3, 3))},
    {"audio": "/dev/zero"},
]


def test_one_error_names_all_items_that_cannot_be_used(run):
    with pytest.raises(BadItemsError) as caught:
        run.embed(BAD)
    assert set(caught.value.problems) == set(range(1, len(BAD)))
    message = str(caught.value)
    assert message.startswith(f"{len(BAD) - 1} of {len(BAD)} items cannot be used:")
    assert "item 1: image: cannot read 'nowhere.jpg': there is no such file" in message
    assert "item 2: unknown modality 'txt': did you mean 'text'?" in message
    assert "item 3: it has nothing of audio, image, table, text, video" in message
    assert "item 15: audio: cannot read '/dev/zero': it is not a regular file" in message


def test_items_that_are_skipped_are_told(run):
    found = run.embed([*BAD, {"text": "a blue pan"}], errors="skip")
    assert found.rows.tolist() == [0, len(BAD)]
    assert set(found.problems) == set(range(1, len(BAD)))
    assert np.array_equal(found.vectors, run.embed([{"text": "a red mug"}, {"text": "a blue pan"}]))


def test_a_vector_is_never_zero_in_silence(run):
    with pytest.raises(BadItemsError, match=r"item 0: .*the vector would be zero"):
        run.embed([{"text": "a red mug"}], space="image")


def test_no_items_give_no_vectors(run):
    assert run.embed([]).shape == (0, run.width)


def test_wrong_options_are_named_together(run):
    with pytest.raises(ConfigError) as caught:
        run.embed([], modalities="text", batch_size=0, precision="fp8")
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["modalities", "batch_size", "precision"]
    with pytest.raises(ConfigError, match="there is no 'imag'"):
        run.embed([], space="imag")
    with pytest.raises(ConfigError, match="the run has no smell"):
        run.embed([], modalities=["smell"])
    with pytest.raises(ConfigError, match="expected 'raise' or 'skip'"):
        run.embed([], errors="ignore")
    with pytest.raises(ConfigError, match="device: cannot compute on 'gpu'"):
        run.embed([], device="gpu")
    with pytest.raises(ConfigError) as caught:
        run.embed([], batch_size=2.5, root="absent")
    assert list(caught.value.problems) == [
        "batch_size: expected a whole number of at least 1, got 2.5",
        "root: there is no folder absent",
    ]


def test_shares_are_of_what_an_item_has_and_sum_to_one(run):
    whole, bad = run.explain([{"text": "a red mug", "table": {"colour": "red"}}, {}], errors="skip")
    assert set(whole.shares) == {"text", "table"}
    assert sum(whole.shares.values()) == pytest.approx(1)
    assert bad.shares == {}
    assert "it has nothing" in bad.problem


def test_only_a_fine_tuned_run_predicts(run, classifier_folder, items):
    with pytest.raises(ConfigError, match="predicts no classes; fine-tune it"):
        run.predict([{"text": "a red mug"}])
    classifier = load(classifier_folder)
    answers = classifier.predict(items[:3])
    for answer in answers:
        assert answer.label == next(iter(answer.scores))
        assert list(answer.scores.values()) == sorted(answer.scores.values(), reverse=True)
        assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-5)
    assert set(answers[0].scores) == set(classifier.classes)


def test_several_threads_may_use_one_run(run, items, vectors):
    found = [None] * 4

    def embed(number):
        found[number] = run.embed(items)

    threads = [threading.Thread(target=embed, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(each, vectors) for each in found)


def test_embedding_leaves_the_decoders_of_the_run_as_they_were(run, items):
    run.embed(items[:2])
    assert not any(pipeline.decoder.anywhere for pipeline in run.trained.data.pipelines.values())


def test_no_run_is_an_error_that_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="holds no run"):
        m5kit.load(tmp_path)


def test_the_package_offers_its_names_and_no_others(run):
    assert m5kit.Run is type(run)
    assert set(m5kit.__all__) <= set(dir(m5kit))
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        m5kit.lode  # noqa: B018


def test_an_error_about_items_survives_a_process_pool():
    error = BadItemsError({1: "why"}, 3)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_short_vectors_in_fewer_bits(run, items, vectors):
    short = run.embed(items, width=8)
    assert short.shape == (len(items), 8)
    np.testing.assert_allclose(np.linalg.norm(short, axis=1), 1, atol=1e-5)
    assert run.embed(items, width=8, dtype="int8").dtype == np.int8
    assert run.embed(items, width=8, dtype="binary").shape == (len(items), 1)
    assert np.array_equal(run.embed(items, dtype="float16"), vectors.astype(np.float16))
    with pytest.raises(ConfigError, match="expected a multiple of 8, got 12"):
        run.embed(items, width=12, dtype="binary")


def test_several_values_of_a_modality_are_one_item_whose_vector_is_their_mean(run, items, tmp_path):
    pictures = [item["image"] for item in items if "image" in item][:2]
    alone = run.embed([{"image": picture} for picture in pictures])
    together = run.embed([{"image": pictures}, {"image": [picture.read_bytes() for picture in pictures]}])
    mean = alone.mean(0) / np.linalg.norm(alone.mean(0))
    np.testing.assert_allclose(together, [mean, mean], atol=1e-5)
    with pytest.raises(BadItemsError, match=r"no_such\.jpg"):
        run.embed([{"image": [pictures[0], "no_such.jpg"]}])
