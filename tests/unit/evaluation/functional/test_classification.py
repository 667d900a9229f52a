import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from m5kit.evaluation.functional.classification import balanced_accuracy, commonest, linear_probe, neighbour_vote


def test_balanced_accuracy_equals_scikit_learn():
    generator = np.random.default_rng(0)
    names = np.array(["a", "b", "c", "d"])
    labels, predicted = (names[generator.choice(4, size=200, p=[0.7, 0.2, 0.09, 0.01])] for _ in range(2))
    assert balanced_accuracy(labels, predicted) == pytest.approx(balanced_accuracy_score(labels, predicted), abs=1e-9)


def test_a_predicted_class_that_the_truth_lacks_is_only_an_error():
    assert balanced_accuracy(np.array(["a", "a", "b"]), np.array(["a", "new", "b"])) == 0.75


def test_one_class_is_its_own_balance():
    assert balanced_accuracy(np.array(["a", "a"]), np.array(["a", "b"])) == 0.5


def test_commonest_of_equals_is_the_first_in_order():
    assert commonest(np.array(["z", "b", "z", "b", "a"])) == "b"


@pytest.fixture
def blobs():
    generator = np.random.default_rng(1)
    classes = np.array(["x", "y", "z"])
    labels = np.repeat(np.arange(3), 20)
    train, test = (3.0 * np.eye(3, 5)[labels] + generator.normal(size=(60, 5)) for _ in range(2))
    return train.astype(np.float32), classes[labels], test.astype(np.float32)


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_probe_is_scikit_learns_on_standardised_features(blobs, strength):
    train, labels, test = blobs
    scaler = StandardScaler().fit(train)
    theirs = LogisticRegression(C=strength, max_iter=1000).fit(scaler.transform(train), labels)
    ours = linear_probe(train, labels, test, strength=strength, seed=0)
    assert (ours == theirs.predict(scaler.transform(test))).all()
    assert (ours == labels).mean() > 0.9


def test_the_scale_of_a_column_does_not_matter(blobs):
    train, labels, test = blobs
    scale = np.array([1, 1000, 0.01, 1, 1], dtype=np.float32)
    scaled = linear_probe(train * scale, labels, test * scale, strength=1.0, seed=0)
    assert (scaled == linear_probe(train, labels, test, strength=1.0, seed=0)).all()


def test_a_single_training_class_is_predicted_for_everything(blobs):
    train, _, test = blobs
    assert set(linear_probe(train, np.repeat("only", 60), test, strength=1.0, seed=0)) == {"only"}


def slow_vote(row, labels):
    """Most votes; of equals the label whose neighbours' ranks sum to least."""
    ranks = {}
    for rank, item in enumerate(row):
        if item >= 0:
            ranks.setdefault(labels[item], []).append(rank)
    return min(ranks, key=lambda name: (-len(ranks[name]), sum(ranks[name])))


def test_votes_equal_a_count_by_hand():
    generator = np.random.default_rng(2)
    labels = np.array(["a", "b", "c"])[generator.integers(3, size=50)]
    neighbours = np.array([generator.permutation(50)[:7] for _ in range(200)])
    neighbours[:20, 4:] = -1
    rows = zip(neighbours.tolist(), neighbour_vote(neighbours, labels), strict=True)
    for row, winner in rows:
        ranks = {name: [r for r, i in enumerate(row) if i >= 0 and labels[i] == name] for name in "abc"}
        best = slow_vote(row, labels)
        assert (len(ranks[winner]), sum(ranks[winner])) == (len(ranks[best]), sum(ranks[best]))


@pytest.mark.parametrize(
    ("row", "winner"), [([0, 1, 2, 3], "a"), ([2, 1, 3, 0], "b"), ([2, 3, 0, -1], "b"), ([1, -1, -1, -1], "a")]
)
def test_of_equally_many_votes_the_nearer_win(row, winner):
    labels = np.array(["a", "a", "b", "b"])
    assert neighbour_vote(np.array([row]), labels).tolist() == [winner]


def test_many_far_votes_outweigh_few_near_ones():
    labels = np.array(["near"] * 49 + ["far"] * 51)
    assert neighbour_vote(np.arange(100)[None], labels).tolist() == ["far"]
