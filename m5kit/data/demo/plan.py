"""Decides, before anything is drawn, which items there are, what their modalities show, what is missing or wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from m5kit.data.demo.products import SHOWS, Product, draw_product, show
from m5kit.errors import DataError

SHARES = {
    "pretrain": 0.48,
    "query_coarse": 0.06,
    "gallery_coarse": 0.12,
    "fine": 0.16,
    "train": 0.09,
    "val": 0.03,
    "test": 0.06,
}
FINE_VIEWS = 4  # one is the query, the others stand in the gallery
MINIMUM = 40
UNIMODAL = ("image", "table", "text")


@dataclass(frozen=True, slots=True)
class Rates:
    """How imperfect the set is. The missing rates follow those of M5Product: about 80 % of the items have all five.

    Attributes:
        image: probability that the photo is missing.
        text: that the title is.
        table: that the properties are.
        video: that the video is; its sound then is too.
        silent: that the video has no sound.
        unimodal: that photo, properties or title is all there is.
        wrong: that one modality shows another product.
        ambiguity: that a modality shows one of its traits wrongly.
    """

    image: float = 0.013
    text: float = 0.001
    table: float = 0.005
    video: float = 0.15
    silent: float = 0.01
    unimodal: float = 0.05
    wrong: float = 0.05
    ambiguity: float = 0.03


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the set; ``shown`` has a key for each modality that is present."""

    id: str
    split: str
    number: int
    product_id: str
    product: Product
    shown: dict[str, Product] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def plan(items: int, seed: int, rates: Rates, noise_modality: str | None = None) -> list[Item]:
    """All items, shuffled. The fine splits share products with each other and with nobody else.

    Raises:
        DataError: too few items for the splits, a negative seed, or no modality is called ``noise_modality``.
    """
    if items < MINIMUM:
        raise DataError(f"a demo set of {items} items cannot fill its splits; ask for {MINIMUM} or more")
    if seed < 0:
        raise DataError(f"seed: expected 0 or more, got {seed}")
    if noise_modality is not None and noise_modality not in SHOWS:
        raise DataError(f"no modality of the demo set is called {noise_modality!r}; it has {', '.join(sorted(SHOWS))}")
    generator = np.random.default_rng([seed, 0])
    drawn = list(_products(items, generator))
    order = generator.permutation(items)
    planned = []
    for number in range(items):
        split, product_id, product = drawn[order[number]]
        planned.append(Item(f"{number:06d}", split, number, product_id, product))
    for item in planned:
        _fill(item, planned, rates, noise_modality, np.random.default_rng([seed, 1, item.number]))
    return planned


def _products(items: int, generator: np.random.Generator) -> Iterator[tuple[str, str, Product]]:
    """Split, product id and product of each item; a pretraining product is sold by one to three merchants."""
    number = 0
    for split, size in _sizes(items).items():
        left = size
        while left:
            views = {"pretrain": int(generator.integers(1, 4)), "fine": FINE_VIEWS}.get(split, 1)
            product, product_id = draw_product(generator), f"p{number:05d}"
            for view in range(min(views, left)):
                yield _split_of_view(split, view), product_id, product
            number, left = number + 1, left - min(views, left)


def _split_of_view(split: str, view: int) -> str:
    """A product of the fine retrieval is searched for by its first view, among the others."""
    if split != "fine":
        return split
    return "query_fine" if view == 0 else "gallery_fine"


def _sizes(items: int) -> dict[str, int]:
    sizes = {split: max(1, round(items * share)) for split, share in SHARES.items()}
    sizes["fine"] = max(2, round(sizes["fine"] / FINE_VIEWS)) * FINE_VIEWS
    sizes["pretrain"] += items - sum(sizes.values())
    return sizes


def _fill(item: Item, items: list[Item], rates: Rates, noise: str | None, generator: np.random.Generator) -> None:
    present = _present(rates, generator)
    if generator.random() < rates.wrong:
        other = items[int(generator.integers(len(items)))]
        if other.product_id != item.product_id:
            item.wrong[present[int(generator.integers(len(present)))]] = other.id
    for modality in present:
        product = items[int(item.wrong[modality])].product if modality in item.wrong else item.product
        if modality == noise:
            product = draw_product(generator)
        item.shown[modality] = show(product, modality, rates.ambiguity, generator)


def _present(rates: Rates, generator: np.random.Generator) -> list[str]:
    """The modalities of one item, sorted; never none."""
    single, *chances = generator.random(6)
    spare = UNIMODAL[int(generator.integers(len(UNIMODAL)))]
    if single < rates.unimodal:
        return [spare]
    limits = {"image": rates.image, "text": rates.text, "table": rates.table, "video": rates.video}
    present = {m for (m, limit), chance in zip(limits.items(), chances[:4], strict=True) if chance >= limit}
    if "video" in present and chances[4] >= rates.silent:
        present.add("audio")
    return sorted(present) or [spare]
