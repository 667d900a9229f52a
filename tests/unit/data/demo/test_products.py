import itertools
from collections import Counter

import numpy as np
import pytest

from m5kit.data.demo.products import (
    CATEGORIES,
    SHOWS,
    SPREAD,
    TRAITS,
    category_ranges,
    category_shares,
    category_traits,
    draw_product,
    show,
)

CODES = [tuple(category_traits(category)[trait] for trait in TRAITS) for category in range(len(CATEGORIES))]


def cells(modalities):
    seen = sorted({TRAITS.index(trait) for modality in modalities for trait in SHOWS[modality]})
    return len({tuple(code[place] for place in seen) for code in CODES})


def test_every_category_has_a_code_of_its_own():
    assert len(set(CODES)) == len(CATEGORIES) == 24


def test_every_trait_is_shown_by_two_modalities():
    assert Counter(trait for shown in SHOWS.values() for trait in shown) == dict.fromkeys(TRAITS, 2)


@pytest.mark.parametrize("pair", list(itertools.combinations(SHOWS, 2)), ids="+".join)
def test_no_two_modalities_tell_all_categories_apart(pair):
    assert cells(pair) <= 16
    assert cells(pair[:1]) == 4


def test_all_five_tell_them_apart():
    assert cells(SHOWS) == 24


def test_the_ranges_together_are_the_category():
    ranges = [category_ranges(category) for category in range(len(CATEGORIES))]
    assert len({(hue, tuple(brands), size, speed) for hue, brands, size, speed in ranges}) == 24
    assert [len(set(column)) for column in zip(*((h, b[0], s, v) for h, b, s, v in ranges), strict=True)] == [
        3,
        2,
        2,
        2,
    ]


def test_products_lie_in_the_ranges_of_their_category(rng):
    for product in (draw_product(rng) for _ in range(200)):
        hue, brands, size, speed = category_ranges(product.category)
        assert product.brand in brands
        assert abs((product.hue - hue + 0.5) % 1 - 0.5) < 5 * SPREAD / 2
        assert abs(product.size - size) < 5 * SPREAD
        assert abs(product.speed - speed) < 5 * SPREAD


def test_categories_have_a_long_tail():
    shares = category_shares()
    assert shares.sum() == pytest.approx(1)
    assert shares[0] / shares[-1] == pytest.approx(25.5 / 2.5)
    assert (np.diff(shares) < 0).all()


def test_a_modality_is_wrong_about_its_own_traits_only_and_as_often_as_asked(rng):
    product = draw_product(rng)
    shown = [show(product, "image", 0.2, rng).traits for _ in range(2000)]
    wrong = {trait: np.mean([traits[trait] != product.traits[trait] for traits in shown]) for trait in TRAITS}
    assert wrong["form"] == pytest.approx(0.2, abs=0.03)
    assert wrong["pattern"] == pytest.approx(0.2, abs=0.03)
    assert [wrong[trait] for trait in ("motion", "timbre", "room")] == [0, 0, 0]
