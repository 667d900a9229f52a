import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, normalized_mutual_info_score

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.clustering import Clustering

ALL = Request("all")


def run(items, seed=0, **arguments):
    return Clustering(split="all", label="kind", **arguments).compute({ALL: items}, seed)


@pytest.fixture
def kinds():
    return np.random.default_rng(0).choice(["a", "b", "c"], p=[0.5, 0.3, 0.2], size=90)


def test_classes_that_lie_apart_are_found(make, kinds):
    figures = run(make(kinds, apart=20))
    assert {name: pytest.approx(1) for name in figures} == {name: figure.value for name, figure in figures.items()}
    assert list(figures) == ["nmi", "ami", "ari", "purity", "accuracy"]


def test_figures_equal_those_of_scikit_learns_clusters(make, kinds):
    items = make(kinds, apart=3)
    unit = items.vectors / np.linalg.norm(items.vectors, axis=1, keepdims=True)
    clusters = KMeans(3, n_init=10, random_state=0).fit_predict(unit)
    figures = run(items)
    assert figures["nmi"].value == pytest.approx(normalized_mutual_info_score(kinds, clusters), abs=1e-6)
    assert figures["ami"].value == pytest.approx(adjusted_mutual_info_score(kinds, clusters), abs=1e-6)
    assert figures["ari"].value == pytest.approx(adjusted_rand_score(kinds, clusters), abs=1e-6)


def test_random_vectors_score_what_chance_says(make, kinds):
    runs = [run(make(kinds, seed=seed, apart=0), restarts=1) for seed in range(30)]
    for name in ("nmi", "ami", "ari", "purity", "accuracy"):
        gaps = np.array([each[name].value - each[name].chance for each in runs])
        assert abs(gaps.mean()) < 5 * gaps.std() / np.sqrt(30), name


def test_only_means_over_items_have_an_interval(make, kinds):
    figures = run(make(kinds))
    assert {name for name, figure in figures.items() if figure.low is not None} == {"purity", "accuracy"}
    assert all(figures[name].low <= figures[name].value <= figures[name].high for name in ("purity", "accuracy"))


def test_unlabelled_items_are_not_clustered(make, kinds):
    items, blank = make(kinds), make([""] * 5, prefix="blank", seed=3)
    together = Embedded(
        np.concatenate([items.ids, blank.ids]),
        np.concatenate([items.vectors, blank.vectors]),
        {"kind": np.concatenate([kinds, blank.labels["kind"]])},
    )
    assert run(together) == run(items)


def test_one_class_is_one_cluster(make):
    figures = run(make(["only"] * 5))
    assert [figures[name].value for name in ("purity", "accuracy")] == [1, 1]
    assert [figures[name].chance for name in ("purity", "accuracy")] == [1, 1]


def test_a_class_for_every_item_is_perfect_by_chance(make):
    figures = run(make([f"kind {i}" for i in range(6)]))
    assert figures["purity"].value == figures["purity"].chance == 1
    assert figures["nmi"].value == pytest.approx(figures["nmi"].chance) == pytest.approx(1)


def test_the_same_seed_gives_the_same(make, kinds):
    assert run(make(kinds), seed=4) == run(make(kinds), seed=4)


def test_a_split_without_the_label_is_named(make):
    with pytest.raises(DataError, match="split 'all': none of the 2 items has a label 'kind'"):
        run(make(["", ""]))


@pytest.mark.parametrize("name", ["restarts", "permutations"])
def test_at_least_one_start_and_one_shuffle(name):
    with pytest.raises(ConfigError, match=f"{name}: expected at least 1"):
        Clustering(split="all", label="kind", **{name: 0})
