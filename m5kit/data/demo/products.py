"""What is true of an invented product, and which part of it each modality shows.

A category is five yes-or-no traits. Every modality shows two of them and every trait is shown by two modalities, so
the modalities form a ring: neighbours agree on one trait and no two modalities see all five. Hue, brand, size and speed
are spread in the same way; a category has its own range of each, shared with others, and where a product lies in that
range (with its look) tells it from others of the category.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

TRAITS = ("form", "motion", "timbre", "room", "pattern")
SHOWS: Mapping[str, tuple[str, str]] = {
    "image": ("pattern", "form"),
    "video": ("form", "motion"),
    "audio": ("motion", "timbre"),
    "table": ("timbre", "room"),
    "text": ("room", "pattern"),
}
BRANDS = ("Arvo", "Belmi", "Corda", "Duneo", "Elsk", "Fjell", "Ginko", "Hazu")
FUZZ = 0.08
SPREAD = 0.1  # of hue, size and speed among the products of a category
CATEGORIES = (
    "almet", "brindo", "calver", "dorfin", "elbane", "fasken", "gorlit", "hulmar",
    "irsten", "jopple", "kerwin", "lusca", "mondel", "norvix", "ospera", "pellam",
    "quorin", "rastel", "selvik", "tormal", "ulfane", "vintor", "wexley", "yarrow",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """An invented product, or what one modality shows of it.

    Attributes:
        traits: 0 or 1 by name.
        hue: place on the colour circle, 0 to 1.
        brand: number in ``BRANDS``.
        size: 0 (small, high sound) to 1 (large, low sound).
        speed: 0 (slow) to 1 (fast), of the motion and of the sound's beat.
        look: which of the two variants of its form.
    """

    category: int
    traits: Mapping[str, int]
    hue: float
    brand: int
    size: float
    speed: float
    look: int


def category_traits(category: int) -> dict[str, int]:
    """The traits of a category: a code of five bits.

    Two parity rules leave 24 of the 32 codes, no trait being constant; the step of 7 keeps common categories apart.
    """
    codes = []
    for code in range(32):
        bits = [code >> place & 1 for place in range(5)]
        if (bits[0] + bits[1] + bits[2]) % 2 or (bits[2] + bits[3] + bits[4]) % 2:
            codes.append(bits)
    return dict(zip(TRAITS, codes[category * 7 % len(codes)], strict=True))


def category_shares() -> np.ndarray:
    """How common each category is: a long tail, the first ten times as common as the last."""
    weights: np.ndarray = 1 / (np.arange(len(CATEGORIES)) + 2.5)
    shares: np.ndarray = weights / weights.sum()
    return shares


def draw_product(generator: np.random.Generator) -> Product:
    """Invent a product."""
    category = int(generator.choice(len(CATEGORIES), p=category_shares()))
    hue, brands, size, speed = category_ranges(category)
    return Product(
        category=category,
        traits=category_traits(category),
        hue=float(generator.normal(hue, SPREAD / 2)) % 1,
        brand=int(generator.choice(brands)),
        size=float(np.clip(generator.normal(size, SPREAD), 0, 1)),
        speed=float(np.clip(generator.normal(speed, SPREAD), 0, 1)),
        look=int(generator.integers(2)),
    )


def category_ranges(category: int) -> tuple[float, list[int], float, float]:
    """The middle hue, the brands, the middle size and the middle speed of a category.

    One of three hues, two groups of brands, two sizes and two speeds: together they are the category, but every
    modality shows two of them at most.

    Example:
        >>> category_ranges(0), category_ranges(23)
        ((0.0, [0, 1, 2, 3], 0.25, 0.25), (0.6666666666666666, [4, 5, 6, 7], 0.75, 0.75))
    """
    rest, hue = divmod(category, 3)
    rest, group = divmod(rest, 2)
    speed, size = divmod(rest, 2)
    return hue / 3, list(range(4 * group, 4 * group + 4)), 0.25 + size / 2, 0.25 + speed / 2


def show(product: Product, modality: str, ambiguity: float, generator: np.random.Generator) -> Product:
    """What a modality shows: either trait comes out wrong with probability ``ambiguity``, and no measure is exact."""
    wrong = [trait for trait in SHOWS[modality] if generator.random() < ambiguity]
    return replace(
        product,
        traits={**product.traits, **{trait: 1 - product.traits[trait] for trait in wrong}},
        hue=float(product.hue + generator.normal(0, FUZZ / 2)) % 1,
        size=float(np.clip(product.size + generator.normal(0, FUZZ), 0, 1)),
        speed=float(np.clip(product.speed + generator.normal(0, FUZZ), 0, 1)),
    )
