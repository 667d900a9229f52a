"""Describes a product: a title in English or Chinese (room, pattern, brand, hue) and a table of properties."""

from typing import Any

import numpy as np

from m5kit.data.demo.products import BRANDS, Product

CHINESE_SHARE = 0.2
COLOURS = (
    ("red", "红色"), ("orange", "橙色"), ("yellow", "黄色"), ("green", "绿色"),
    ("teal", "青色"), ("blue", "蓝色"), ("purple", "紫色"), ("pink", "粉色"),
)  # fmt: skip
PATTERNS = (
    (("dotted", "圆点"), ("spotted", "斑点"), ("polka dot", "波点"), ("speckled", "花点")),
    (("striped", "条纹"), ("lined", "线条"), ("banded", "横纹"), ("pinstripe", "细条")),
)
NOUNS = (
    (("cup", "杯子"), ("jar", "罐子"), ("pot", "锅"), ("ladle", "勺子")),
    (("trowel", "铲子"), ("rake", "耙子"), ("planter", "花盆"), ("hose", "水管")),
)
VAGUE = (("item", "用品"), ("set", "套装"))
PRAISE = (("new", "新款"), ("best seller", "热卖"), ("free shipping", "包邮"), ("gift", "礼物"), ("original", "正品"))
ROOMS = (("kitchen", "dining room", "pantry"), ("garden", "balcony", "greenhouse"))
MATERIALS = (("oak", "cotton", "felt", "cork"), ("steel", "brass", "glass", "aluminium"))
BOXES = ("manual", "strap", "spare part", "bag")


def title(product: Product, generator: np.random.Generator) -> str:
    """A title; brand, colour and pattern are often left out, and some nouns say nothing."""
    language = int(generator.random() < CHINESE_SHARE)
    words = []
    if generator.random() < 0.6:
        words.append(BRANDS[product.brand])
    if generator.random() < 0.5:
        words.append(COLOURS[int(product.hue * 8 + 0.5) % 8][language])
    if generator.random() < 0.85:
        words.append(_pick(PATTERNS[product.traits["pattern"]], generator)[language])
    nouns = NOUNS[product.traits["room"]] if generator.random() < 0.9 else VAGUE
    words.append(_pick(nouns, generator)[language])
    for _ in range(int(generator.integers(0, 3))):
        words.insert(int(generator.integers(len(words) + 1)), _pick(PRAISE, generator)[language])
    return ("" if language else " ").join(words)


def table(product: Product, generator: np.random.Generator) -> dict[str, Any]:
    """Properties and values, in any order; texts, numbers, a yes-or-no and a list, some of them beside the point."""
    optional = {
        "brand": BRANDS[product.brand],
        "weight_kg": round(float(0.2 + 1.5 * product.size + abs(generator.normal(0, 0.2))), 2),
        "warranty_years": int(generator.integers(1, 4)),
        "returns": bool(generator.random() < 0.5),
        "in_the_box": sorted({str(_pick(BOXES, generator)) for _ in range(2)}),
    }
    properties: dict[str, Any] = {
        "material": _pick(MATERIALS[product.traits["timbre"]], generator),
        "room": _pick(ROOMS[product.traits["room"]], generator),
        "size_mm": round(60 + 240 * product.size),
    } | {key: value for key, value in optional.items() if generator.random() < 0.7}
    keys = list(properties)
    return {keys[place]: properties[keys[place]] for place in generator.permutation(len(keys))}


def _pick(choices: tuple[Any, ...], generator: np.random.Generator) -> Any:
    return choices[int(generator.integers(len(choices)))]
