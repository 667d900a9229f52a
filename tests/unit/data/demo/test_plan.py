from collections import Counter, defaultdict

import pytest

from m5kit.data.demo.plan import Rates, plan
from m5kit.errors import DataError


@pytest.fixture(scope="module")
def items():
    return plan(4000, seed=3, rates=Rates())


def share(items, test):
    return sum(map(test, items)) / len(items)


def test_missing_rates_are_those_of_the_paper(items):
    assert share(items, lambda item: len(item.shown) == 5) == pytest.approx(0.784, abs=0.02)
    assert share(items, lambda item: "video" not in item.shown) == pytest.approx(0.1925, abs=0.02)
    assert share(items, lambda item: len(item.shown) == 1) == pytest.approx(0.05, abs=0.012)
    assert share(items, lambda item: not item.shown) == 0


def test_there_is_no_sound_without_the_film_it_belongs_to(items):
    assert all("video" in item.shown for item in items if "audio" in item.shown)


def test_wrong_pairs_have_the_asked_share_and_name_an_item_of_another_product(items):
    wrong = [item for item in items if item.wrong]
    assert len(wrong) / len(items) == pytest.approx(0.05, abs=0.012)
    for item in wrong:
        ((modality, other),) = item.wrong.items()
        assert modality in item.shown
        assert items[int(other)].product_id != item.product_id


def test_only_the_fine_splits_share_products(items):
    splits = defaultdict(Counter)
    for item in items:
        splits[item.product_id][item.split] += 1
    fine = [counts for counts in splits.values() if "query_fine" in counts]
    assert all(counts == {"query_fine": 1, "gallery_fine": 3} for counts in fine)
    assert all(len(counts) == 1 for counts in splits.values() if counts not in fine)
    assert {max(c.values()) for c in splits.values() if "pretrain" in c} == {1, 2, 3}


@pytest.mark.parametrize("count", [40, 60, 777, 2000])
def test_every_split_gets_items_and_the_sum_is_right(count):
    sizes = Counter(item.split for item in plan(count, 0, Rates()))
    assert sum(sizes.values()) == count
    assert len(sizes) == 8
    assert sizes["gallery_fine"] == 3 * sizes["query_fine"]


def test_categories_are_as_unequal_as_they_should_be(items):
    counts = Counter(item.product.category for item in items)
    assert counts[0] / len(items) == pytest.approx(0.157, abs=0.03)
    assert len(counts) == 24
    assert counts[0] > 4 * counts[23]


def test_a_noise_modality_shows_unrelated_products_and_leaves_the_rest():
    plain, noisy = (plan(400, 0, Rates(ambiguity=0), noise) for noise in (None, "audio"))
    agree = [item.shown["audio"].brand == item.product.brand for item in noisy if "audio" in item.shown]
    assert sum(agree) / len(agree) == pytest.approx(1 / 8, abs=0.06)
    assert all(a.shown.keys() == b.shown.keys() for a, b in zip(plain, noisy, strict=True))


def test_impossible_wishes_are_refused():
    with pytest.raises(DataError, match=r"a demo set of 10 items cannot fill its splits; ask for 40 or more"):
        plan(10, 0, Rates())
    with pytest.raises(DataError, match=r"called 'smell'; it has audio, image, table, text, video"):
        plan(100, 0, Rates(), "smell")
    with pytest.raises(DataError, match=r"seed: expected 0 or more, got -1"):
        plan(100, -1, Rates())
