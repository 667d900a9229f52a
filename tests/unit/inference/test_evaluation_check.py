"""Metrics that could not run, and values that no metric gives, are found before training."""

from dataclasses import replace

import pytest

from m5kit.config import check_config, load_config
from m5kit.inference.evaluation_check import metric_problems, value_problems

SEARCH = {"type": "retrieval", "query": "q", "label": "coarse", "ks": [10]}
NOISE = {"type": "robustness", "kind": "noise", "damaged": ["q"], "strengths": [0, 0.5], "task": SEARCH}


def config(metrics, *overrides):
    return replace(check_config(load_config("demo/scale", overrides)), evaluation=metrics)


def test_a_metric_on_a_dropped_modality_is_refused():
    heard = {"heard": {**SEARCH, "query_modalities": ["audio"]}}
    assert list(metric_problems(config(heard))) == []
    (problem,) = metric_problems(config(heard, "encoder_audio=none"))
    assert problem == (
        "evaluation.heard: asks for audio, and the model has image, table, text, video; "
        "change the metric, or drop it with evaluation.heard=none"
    )


def test_a_corruption_of_a_dropped_modality_is_refused():
    dark = {"dark": {**NOISE, "modality": "image"}}
    assert list(metric_problems(config(dark))) == []
    (problem,) = metric_problems(config(dark, "encoder_image=none"))
    assert problem.startswith("evaluation.dark: asks for image, and the model has ")


METRICS = {
    "coarse": SEARCH,
    "dark": NOISE,
    "pairs": {"type": "cross_modal", "split": "q"},
    "said": {"type": "zero_shot", "split": "q", "label": "coarse", "catalogue": "g"},
    "clusters": {"type": "clustering", "split": "q", "label": "coarse"},
    "properties": {"type": "attributes", "train": "a", "test": "b", "source": "table"},
}


@pytest.mark.parametrize(
    "wanted",
    [
        *("coarse/map_std@10", "dark/mrr@10|noise=0.5", "dark/mrr@10|noise|relative", "pairs/mrr@10|mean"),
        *("pairs/mrr@10|image->text", "said/coverage", "clusters/ami", "properties/anything"),
    ],
)
def test_values_that_a_metric_may_give_are_accepted(wanted):
    assert value_problems(config(METRICS), [wanted]) == {}


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("coarse/map_std@5", "the task coarse gives no 'map_std@5'; did you mean 'map_std@10'?"),
        ("coarse/x", "the task coarse gives no 'x'; there are: map_hits@10, "),
        ("corse/mrr@10", "evaluation has no task 'corse'; did you mean 'coarse'?"),
        ("dark/mrr@10", "the task dark gives no 'mrr@10'; did you mean 'mrr@10|noise="),
    ],
)
def test_values_that_no_metric_gives_are_told(wanted, problem):
    assert value_problems(config(METRICS), [wanted])[wanted].startswith(f"metrics: {wanted}: {problem}")
