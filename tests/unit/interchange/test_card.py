"""A model card says what a run knows about itself, and no more."""

import json

import pytest

import m5kit
from m5kit.errors import CheckpointError
from m5kit.interchange.card import model_card
from m5kit.interchange.shared_folder import share_run


def test_a_card_names_modalities_data_parts_and_limits(run):
    card = model_card(run)
    assert card.startswith("---\nlibrary_name: m5kit\n")
    assert "It reads audio, image, table, text, video; any of them may be missing." in card
    assert "- Data: 48 items, splits pretrain" in card
    assert "- text: `text_tokens`" in card
    assert "Whoever shares this folder adds the licence of the data and of the weights." in card
    assert "The run was not evaluated." in card


def test_results_come_with_their_intervals_and_chance_levels(run, tmp_path):
    shared = share_run(run, tmp_path / "shared")
    value = {"value": 0.5, "chance": 0.25, "low": 0.4, "high": 0.6, "count": 10}
    bare = {"value": 0.7, "chance": None, "low": None, "high": None, "count": 10}
    results = {"results": {"found": {"accuracy": value, "nmi": bare, "recall@1|mean": bare}}, "skipped": {}}
    (shared / "results.json").write_text(json.dumps(results))
    card = model_card(m5kit.load(shared))
    assert "| found/accuracy | 0.500 | 0.400 to 0.600 | 0.250 | 10 |" in card
    assert "| found/nmi | 0.700 |  |  | 10 |" in card
    assert r"| found/recall@1\|mean | 0.700 |  |  | 10 |" in card  # or the table would have one column more
    results["results"]["found"] = {"nmi": bare | {"value": None}}  # a value that is not finite
    (shared / "results.json").write_text(json.dumps(results))
    assert "| found/nmi |  |  |  | 10 |" in model_card(m5kit.load(shared))
    (shared / "results.json").write_text('{"results": {"found": {"accuracy": 3}}}')
    with pytest.raises(CheckpointError, match=r"results\.json is damaged .* evaluate the run again"):
        model_card(m5kit.load(shared))


def test_the_card_of_a_classifier_says_that_it_always_answers(classifier_folder):
    card = model_card(m5kit.load(classifier_folder))
    assert "This model classifies items by their coarse." in card
    assert "answers with one of them whatever it is shown" in card
