"""How approximate search is tuned; the store is a table of what each setting finds."""

from dataclasses import replace

import numpy as np
import pytest

from m5kit.index import approximate as tuning
from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.approximate import approximate


@pytest.fixture
def tuned(monkeypatch):
    """Tune for a recall that is a function of the settings; returns the settings and those that were tried."""

    def tune(recall, about=None):
        about, tried = about or IndexInfo(width=8), []

        class Items:
            def __len__(self):
                return 40_000

            def approximate(self, column):
                return 200

        def measure(store, about, queries, truth, how):
            tried.append((how.probes, how.refine))
            return replace(how, recall=recall(how.probes, how.refine))

        monkeypatch.setattr(tuning, "sample_vectors", lambda store, about, count: np.ones((1, 8), np.float32))
        monkeypatch.setattr(tuning, "exact_nearest", lambda store, about, queries: [{"a"}])
        monkeypatch.setattr(tuning, "measure", measure)
        return approximate(Items(), about, lambda line: None), tried

    return tune


def test_candidates_are_scored_again_where_more_partitions_help_nothing(tuned):
    how, _ = tuned(lambda probes, refine: 1.0 if refine >= 40 else 0.5 + refine / 100)
    assert (how.probes, how.refine) == (4, 40)


def test_more_partitions_are_read_where_they_help(tuned):
    how, tried = tuned(lambda probes, refine: min(1.0, 0.6 + probes / 40))
    assert (how.probes, how.refine, how.recall) == (16, 10, 1.0)
    assert (200, 10) not in tried


def test_it_ends_where_nothing_reaches_the_goal(tuned):
    how, _ = tuned(lambda probes, refine: 0.5 + probes / 1000 + refine / 1000)
    assert (how.probes, how.refine) == (200, 80)


def test_bits_that_are_kept_whole_have_nothing_to_be_scored_again_by(tuned):
    _, tried = tuned(lambda probes, refine: 0.0, IndexInfo(width=8, precision="int8"))
    assert {refine for _, refine in tried} == {10}


def test_settings_stay_while_few_items_were_added(tuned):
    before = Approximation(items=39_000, partitions=200, probes=7, refine=20, recall=0.96)
    how, tried = tuned(lambda probes, refine: 0.97, IndexInfo(width=8, approximation=before))
    assert tried == [(7, 20)]
    assert how == replace(before, recall=0.97)
