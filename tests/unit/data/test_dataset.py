from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset, corpus
from m5kit.data.sampler import Draw, SequentialSampler
from m5kit.errors import CheckpointError
from m5kit.structures import Inputs, Sample

SAMPLES = [
    Sample("full", {"image": "i", "text": "tt", "audio": "a"}, {"fine": "pear"}),
    Sample("one", {"text": "u"}, {"fine": "plum"}),
    Sample("hurt", {"image": "bad.jpg", "text": "t"}),
    Sample("lost", {"image": "bad.jpg"}),
]


@pytest.fixture
def make(pipelines):
    def dataset(**settings):
        defaults = {"samples": SAMPLES, "root": Path(), "pipelines": pipelines}
        return ManifestDataset(**defaults | settings)

    return dataset


def test_absent_modalities_are_missing_keys_and_failures_are_kept(make):
    dataset = make(targets={"fine": {"fig": 0, "pear": 1}})
    full, one, hurt, lost = (dataset[Draw(i, i)] for i in range(4))
    assert list(full.inputs) == ["audio", "image", "text"]
    assert full.inputs["text"].values.tolist() == [116.0, 116.0]
    assert [item.targets["fine"] for item in (full, one, hurt)] == [1, -1, -1]
    assert list(hurt.inputs) == ["text"]
    assert hurt.failures[0].reason == "bad.jpg is damaged"
    assert lost.inputs == {}
    assert (lost.failures[0].id, lost.failures[0].modality) == ("lost", "image")


def test_augmentation_depends_on_seed_and_position_only(make):
    train = make(train=True, seed=5)
    first = train[Draw(9, 0)].inputs
    assert torch.equal(first["image"].values, make(train=True, seed=5)[Draw(9, 0)].inputs["image"].values)
    assert not torch.equal(first["image"].values, train[Draw(10, 0)].inputs["image"].values)
    assert not torch.equal(first["image"].values, make(train=True, seed=6)[Draw(9, 0)].inputs["image"].values)
    assert first["image"].values[-1] != first["audio"].values[-1]


def test_hiding_a_modality_leaves_the_others_augmentation_as_it_was(make):
    whole, thinned = make(train=True), make(train=True, dropout=0.5)
    for position in range(20):
        kept = thinned[Draw(position, 0)].inputs
        assert all(torch.equal(kept[m].values, whole[Draw(position, 0)].inputs[m].values) for m in kept)


def test_dropout_hides_the_asked_share_and_never_the_last(make):
    dataset = make(train=True, dropout=0.9)
    kept = [list(dataset[Draw(position, 0)].inputs) for position in range(400)]
    assert min(map(len, kept)) == 1
    assert {m for names in kept for m in names} == {"audio", "image", "text"}
    assert all(list(dataset[Draw(position, 1)].inputs) == ["text"] for position in range(50))
    half = make(train=True, dropout=0.5)
    share = sum(len(half[Draw(position, 0)].inputs) for position in range(1000)) / 3000
    assert share == pytest.approx(0.5 + 0.5**3 / 3, abs=0.03)  # all hidden once in eight: one comes back


def test_a_hidden_modality_comes_back_when_the_kept_one_fails(make):
    dataset = make(train=True, dropout=0.5)
    assert all(list(dataset[Draw(position, 2)].inputs) == ["text"] for position in range(50))


def test_a_hidden_modality_is_not_decoded(make):
    dataset = make(train=True, dropout=0.5)
    failures = [len(dataset[Draw(position, 2)].failures) for position in range(50)]
    assert set(failures) == {0, 1}


def test_evaluation_hides_nothing_and_is_not_augmented(make):
    assert make(dropout=0.9)[Draw(3, 0)].inputs["audio"].values.tolist() == [97.0]


def test_zero_policy_gives_blanks_that_count_as_present(make):
    lost = make(missing="zero")[Draw(0, 3)]
    assert {m: part.values.tolist() for m, part in lost.inputs.items()} == {"audio": [0], "image": [0], "text": [0]}
    assert len(lost.failures) == 1


def test_a_source_stands_in_for_a_missing_reference(make, pipelines):
    borrowed = make(pipelines=pipelines | {"audio": replace(pipelines["audio"], source="text")})
    assert borrowed[Draw(0, 1)].inputs["audio"].values.tolist() == [117.0]
    assert borrowed[Draw(0, 0)].inputs["audio"].values.tolist() == [97.0]


def test_joined_columns_are_there_if_one_is(make, pipelines):
    joined = replace(pipelines["text"], join=("text", "audio"))
    seen = [joined.reference(sample, "text") for sample in SAMPLES]
    assert seen == [{"text": "tt", "audio": "a"}, {"text": "u"}, {"text": "t"}, None]
    assert [list(seen[0]), list(replace(joined, join=("audio", "text")).reference(SAMPLES[0], "text"))] == [
        ["text", "audio"],
        ["audio", "text"],
    ]
    assert "text" not in make(pipelines=pipelines | {"text": joined})[Draw(0, 3)].inputs


def test_a_pipeline_says_which_columns_it_reads(pipelines):
    alone = pipelines["audio"]
    assert alone.columns("audio") == ("audio",)
    assert replace(alone, source="video").columns("audio") == ("audio", "video")
    assert replace(alone, join=("title", "seen")).columns("audio") == ("title", "seen")


def test_workers_change_nothing(make):
    def batches(workers):
        loader = DataLoader(
            make(train=True, dropout=0.3),
            batch_sampler=SequentialSampler(size=4, batch_size=2),
            collate_fn=partial(collate, modalities=("audio", "image", "text")),
            num_workers=workers,
        )
        return list(loader)

    for alone, shared in zip(batches(0), batches(2), strict=True):
        assert alone.ids == shared.ids
        assert alone.failures == shared.failures
        assert torch.equal(alone.present, shared.present)
        assert all(torch.equal(alone.inputs[m].values, shared.inputs[m].values) for m in alone.inputs)


def test_the_corpus_passes_over_what_is_absent_or_damaged(pipelines):
    assert list(corpus(SAMPLES, Path(), "image", pipelines["image"])) == ["i"]
    assert list(corpus(SAMPLES, Path(), "text", pipelines["text"])) == ["tt", "u", "t"]


def test_an_item_is_augmented_twice_if_asked_and_the_first_stays_as_it_was(make):
    once, twice = make(train=True), make(train=True, twice=True)
    first, both = once[Draw(7, 0)].inputs["image"], twice[Draw(7, 0)].inputs["image"]
    assert torch.equal(first.values, both.values)
    assert not torch.equal(both.values, both.again.values)
    assert torch.equal(both.again.values, twice[Draw(7, 0)].inputs["image"].again.values)
    assert first.again is None
    assert make(twice=True)[Draw(7, 0)].inputs["image"].again is None


class Raising:
    """Raises what a library or a plugin may raise."""

    def __init__(self, error):
        self.error = error

    def __call__(self, source, root):
        raise self.error


@pytest.mark.parametrize("error", [OverflowError("too large"), MemoryError(), RecursionError(), KeyError("a\nb")])
def test_an_error_of_any_class_costs_one_modality_of_one_item(make, pipelines, error):
    pipelines["image"] = replace(pipelines["image"], decoder=Raising(error))
    item = make(pipelines=pipelines)[Draw(0, 0)]
    assert list(item.inputs) == ["audio", "text"]
    assert (item.failures[0].id, item.failures[0].modality) == ("full", "image")
    assert item.failures[0].reason.startswith(type(error).__name__)
    assert "\n" not in item.failures[0].reason
    assert list(corpus(SAMPLES, Path(), "image", pipelines["image"])) == []


def test_what_is_no_matter_of_one_item_ends_the_run(make, pipelines):
    pipelines["image"] = replace(pipelines["image"], decoder=Raising(CheckpointError("the cache is gone")))
    with pytest.raises(CheckpointError):
        make(pipelines=pipelines)[Draw(0, 0)]


def test_inputs_that_are_no_numbers_fail(make, pipelines):
    class Broken:
        def __call__(self, decoded, generator=None):
            return Inputs.single(torch.tensor([1.0, float("nan")]))

    pipelines["image"] = replace(pipelines["image"], transform=Broken())
    item = make(pipelines=pipelines)[Draw(0, 0)]
    assert "NaN or infinite" in item.failures[0].reason


SEVERAL = [
    Sample("a", {"image": ["i", "bad1.jpg", "jj"], "text": ["u", "v"]}),
    Sample("b", {"image": ["bad2", "bad3"]}),
]


def images(dataset, position, index=0):
    return [chr(int(step)) for step in dataset[Draw(position, index)].inputs["image"].values if step > 1]


def test_training_takes_one_of_several_values_by_the_draw_and_passes_over_damaged_ones(make):
    train = make(samples=SEVERAL, train=True, seed=3)
    drawn = [images(train, position) for position in range(60)]
    assert 15 < drawn.count(["i"]) < 45
    assert drawn.count(["i"]) + drawn.count(["j", "j"]) == 60
    assert drawn == [images(make(samples=SEVERAL, train=True, seed=3), position) for position in range(60)]
    assert drawn != [images(make(samples=SEVERAL, train=True, seed=4), position) for position in range(60)]
    assert all(train[Draw(position, 0)].others == () for position in range(5))


def test_a_damaged_value_is_named_and_costs_the_item_nothing(make):
    item = make(samples=SEVERAL)[Draw(0, 0)]
    assert [(f.reason, f.value, f.lost) for f in item.failures] == [("bad1.jpg is damaged", 1, False)]
    assert "image" in item.inputs


def test_an_item_is_lost_where_all_of_its_values_are_damaged_and_counts_once(make):
    item = make(samples=SEVERAL)[Draw(0, 1)]
    assert item.inputs == {}
    assert [(f.reason, f.lost) for f in item.failures] == [("bad2 is damaged; bad3 is damaged", True)]


def test_evaluation_reads_all_values_or_the_first_that_can_be_read(make, pipelines):
    def read(**settings):
        item = make(samples=SEVERAL, **settings)[Draw(0, 0)]
        return [{m: len(inputs.values) for m, inputs in each.items()} for each in item.passes]

    assert read() == [{"image": 1, "text": 1}, {"image": 2, "text": 1}]
    assert read(every_value=False) == [{"image": 1, "text": 1}]
    first = {m: replace(pipeline, several="first") for m, pipeline in pipelines.items()}
    assert read(pipelines=first) == [{"image": 1, "text": 1}]
    blank = read(missing="zero")
    assert [sorted(each) for each in blank] == [["audio", "image", "text"]] * 2


def test_the_corpus_has_every_value(pipelines):
    assert list(corpus(SEVERAL, Path(), "text", pipelines["text"])) == ["u", "v"]
    assert list(corpus(SEVERAL, Path(), "image", pipelines["image"])) == ["i", "jj"]


def test_joined_columns_go_through_their_values_together(pipelines):
    joined = replace(pipelines["text"], join=("title", "seen"))
    assert joined.values({"title": ["a", "b"], "seen": "c"}) == (
        {"title": "a", "seen": "c"},
        {"title": "b", "seen": "c"},
    )


def test_a_decoder_that_reads_lists_is_given_them_whole(pipelines):
    class Tags:
        reads_lists = True

    assert replace(pipelines["text"], decoder=Tags()).values(["red", "blue"]) == (["red", "blue"],)
    assert pipelines["text"].values([0.5, 1.0]) == ([0.5, 1.0],)
