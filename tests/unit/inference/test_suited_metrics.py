"""Metrics are computed on the splits and labels that are there."""

import pytest

from m5kit.assembly.contents import Contents
from m5kit.inference.suited_metrics import hand_written_problems, suit_metrics

SEARCH = {"type": "retrieval", "query": "test", "label": "coarse"}
PROBE = {"type": "probe", "train": "train", "test": "test", "label": "coarse"}
GROUPS = {"type": "clustering", "split": "test", "label": "coarse"}
PAIRS = {"type": "cross_modal", "split": "test"}


def items(splits, *labels, shared=None):
    return Contents(10, frozenset(), dict.fromkeys(splits, 5), frozenset(labels), labels if shared is None else shared)


def test_what_is_there_stays_as_it_is():
    metrics = {"coarse": SEARCH, "classification": PROBE, "pairs": PAIRS}
    suited = suit_metrics(metrics, items(["train", "test"], "coarse", "brand"), ["train"])
    assert (suited.metrics, suited.notes) == (metrics, ())


def test_another_held_out_split_stands_in():
    suited = suit_metrics({"coarse": SEARCH, "probe": PROBE}, items(["train", "val", "more"], "coarse"), ["train"])
    assert suited.metrics == {"coarse": {**SEARCH, "query": "val"}, "probe": {**PROBE, "test": "val"}}
    assert suited.notes == ("there is no split test: metrics are computed on val",)
    odd = suit_metrics({"coarse": SEARCH}, items(["train", "holdout"], "coarse"), ["train"])
    assert odd.metrics["coarse"]["query"] == "holdout"


def test_queries_search_the_gallery_where_there_is_one():
    suited = suit_metrics({"coarse": SEARCH, "all": GROUPS}, items(["train", "query", "gallery"], "coarse"), ["train"])
    assert suited.metrics["coarse"] == {**SEARCH, "query": "query", "gallery": "gallery"}
    assert suited.metrics["all"] == {**GROUPS, "split": "gallery"}


def test_nothing_is_chosen_without_a_split_to_choose_by():
    chosen = {**PROBE, "val": "val", "strengths": [0.1, 1.0]}
    assert suit_metrics({"probe": chosen}, items(["train", "test"], "coarse"), ["train"]).metrics == {"probe": PROBE}
    only_val = suit_metrics({"probe": chosen}, items(["train", "val"], "coarse"), ["train"]).metrics["probe"]
    assert only_val == {**PROBE, "test": "val"}  # not chosen on the items that it is scored on


def test_without_held_out_items_nothing_is_fitted_and_it_is_said():
    suited = suit_metrics({"probe": PROBE, "all": GROUPS}, items(["pretrain"], "coarse"), ["pretrain"])
    assert suited.metrics["all"] == {**GROUPS, "split": "pretrain"}
    assert suited.metrics["probe"] == {**PROBE, "train": "pretrain"}  # skipped by the evaluation, with the reason
    assert "there is only the split pretrain, which is trained on" in suited.notes[0]


def test_other_labels_take_the_place_of_absent_ones():
    given = {"coarse": SEARCH, "fine": {**SEARCH, "label": "fine"}, "all": GROUPS}
    one = suit_metrics(given, items(["train", "test"], "kind"), ["train"])
    assert one.metrics == {"kind": {**SEARCH, "label": "kind"}, "all": {**GROUPS, "label": "kind"}}
    assert one.notes == ("no item has the label coarse or fine: metrics are computed for kind",)
    two = suit_metrics(given, items(["train", "test"], "kind", "brand"), ["train"])
    assert list(two.metrics) == ["kind", "brand", "all_kind", "all_brand"]


def test_a_label_that_is_there_is_not_taken_twice():
    given = {"coarse": SEARCH, "fine": {**SEARCH, "label": "fine"}}
    suited = suit_metrics(given, items(["train", "test"], "coarse"), ["train"])
    assert suited.metrics == given
    assert suited.notes == ("no item has the label fine, and none stands in: fine will be skipped",)
    unique = suit_metrics(given, items(["train", "test"], "name", shared=()), ["train"])
    assert unique.metrics == given


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        (SEARCH, "evaluation.mine.query: there is no split 'test'; there are: train, val"),
        ({**SEARCH, "query": "val"}, "evaluation.mine.label: no item has the label 'coarse'; there are: brand"),
    ],
)
def test_what_was_asked_for_by_hand_must_be_there(metric, problem):
    assert problem in list(hand_written_problems({"mine": metric}, items(["train", "val"], "brand")))
    assert list(hand_written_problems({"mine": {**PAIRS, "split": "val"}}, items(["train", "val"]))) == []
