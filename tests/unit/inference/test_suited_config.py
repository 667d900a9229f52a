"""One config serves data with any modalities; what cannot be had is left out, or an error if it was asked for."""

import json

import pytest

from m5kit.config import load_config
from m5kit.errors import ConfigError, DataError
from m5kit.inference.suited_config import suit_config

PAIR = {"image": "a.jpg", "text": "cup"}


@pytest.fixture
def suited(tmp_path):
    """Fits products/small to items that are made of the given columns."""

    def suit(columns, *overrides, leaf="products/small", fits_steps=False, labelled=True, measured=False):
        rows = [
            {"id": str(number), "split": split, **columns, "labels": {"kind": str(number % 2)} if labelled else None}
            for number, split in enumerate(["train"] * 4 + ["test"] * 4)
        ]
        (tmp_path / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

        # as many items a step as there are, unless the test is about it
        steps = () if fits_steps else ("schedule.batch_size=4",)
        return suit_config(lambda given: load_config(leaf, given, tmp_path), (*steps, *overrides), measured=measured)

    return suit


def test_a_step_has_at_most_the_items_that_there_are(suited):
    resolved = suited(PAIR, fits_steps=True)
    assert resolved.values["schedule"]["batch_size"] == 4
    assert "a step has all 4 training items: the config's 32 are more than there are" in resolved.notes


def test_a_batch_that_was_named_is_kept(suited):
    assert suited(PAIR, "schedule.batch_size=7", fits_steps=True).values["schedule"]["batch_size"] == 7


def test_absent_modalities_are_left_out_in_one_line(suited):
    resolved = suited(PAIR)
    assert {key for key in resolved.values if key.startswith("encoder_")} == {"encoder_image", "encoder_text"}
    assert resolved.notes[0] == "none of 4 training items has audio, table or video: left out with all that needs it"
    assert len(resolved.notes) == 2  # and that of the labels


def test_one_modality_alone_has_something_to_learn_from(suited):
    resolved = suited({"text": "cup"})
    assert [key for key in resolved.values if key.startswith("task_")] == ["task_within"]
    assert "pairs" not in resolved.values["evaluation"]
    assert resolved.notes[1] == (
        "dropped because they compare modalities and there is only text: task_contrastive, task_completion, "
        "evaluation.pairs"
    )


def test_what_is_all_there_is_not_touched(suited):
    everything = {**PAIR, "table": {"a": 1}, "video": "a.mp4", "audio": "a.mp3"}
    resolved = suited(everything, leaf="products/scale")
    assert {"encoder_audio", "task_masked_audio"} <= resolved.values.keys()
    assert resolved.notes == ("no item has the label coarse or fine: metrics are computed for kind",)


def test_an_encoder_that_was_set_by_hand_is_missed(suited):
    with pytest.raises(ConfigError, match=r"encoder_audio: none of 4 training items has audio; drop it with --set"):
        suited(PAIR, "encoder_audio=bands", "input_audio=bands")


def test_values_that_were_set_in_what_is_absent_do_not_matter(suited):
    resolved = suited(PAIR, "encoder_audio.layers=3", "input_video.cache=true")
    assert "encoder_audio" not in resolved.values


def test_where_every_metric_lacks_its_label_nothing_is_trained(suited):
    unlabelled = {"leaf": "products/scale", "labelled": False}
    with pytest.raises(ConfigError, match=r"no item has the label coarse or fine, which every metric asks for .*=none"):
        suited(PAIR, "evaluation.pairs=none", measured=True, **unlabelled)
    # a run that was begun is ended, one without metrics has none to miss, and here one metric needs no label
    assert "coarse" in suited(PAIR, "evaluation.pairs=none", **unlabelled).values["evaluation"]
    assert not suited(PAIR, "evaluation=none", measured=True, **unlabelled).values.get("evaluation")
    notes = suited(PAIR, measured=True, labelled=False).notes
    assert notes[-1] == (
        "no item has the label coarse or fine, and none stands in: coarse, fine, classification, clustering will be "
        "skipped"
    )


def test_a_metric_that_was_set_by_hand_must_be_possible(suited):
    with pytest.raises(ConfigError, match=r"evaluation\.fine\.label: no item has the label 'fine'; there are: kind"):
        suited(PAIR, "evaluation.fine.ks=[1]")


def test_a_metric_of_the_config_that_asks_for_an_absent_modality_is_left_out(suited, tmp_path):
    leaf = tmp_path / "mine.yaml"
    heard = "{type: retrieval, query: test, label: kind, query_modalities: [audio]}"
    leaf.write_text(f"_base_: products/small\nevaluation: {{heard: {heard}}}\n", encoding="utf-8")
    resolved = suited(PAIR, leaf=leaf)
    assert "heard" not in resolved.values["evaluation"]
    assert "metrics that ask for a modality which the model lacks are left out: heard" in resolved.notes


def test_items_without_anything_that_the_config_reads_are_an_error(suited):
    with pytest.raises(DataError, match="none of 4 training items has image or table, which is all that the config"):
        suited({"text": "cup"}, *(f"encoder_{each}=none" for each in ("text", "video", "audio")))
