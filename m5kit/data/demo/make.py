"""Writes the demo set: media files, annotations, and the truth beside them."""

import json
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.demo.encode import write_photo, write_sound, write_video
from m5kit.data.demo.picture import photo, video
from m5kit.data.demo.plan import Item, Rates, plan
from m5kit.data.demo.products import BRANDS, CATEGORIES, SHOWS, Product
from m5kit.data.demo.sound import sound
from m5kit.data.demo.words import table, title
from m5kit.data.processes import Processes
from m5kit.errors import DataError

CHUNK = 25


def make_demo(
    folder: Path | str,
    *,
    items: int = 2000,
    seed: int = 0,
    rates: Rates | None = None,
    noise_modality: str | None = None,
    workers: int | None = None,
) -> Path:
    """Write ``annotations.jsonl``, ``truth.jsonl``, ``README.md`` and ``media/`` into a new or empty folder.

    The same arguments give the same annotations byte for byte and the same media, with any number of workers.

    Args:
        folder: where.
        items: how many, over all splits; 40 at least.
        seed: of everything.
        rates: how much is missing, wrong and ambiguous.
        noise_modality: a modality that shows a product drawn at random, and so says nothing about the item.
        workers: processes; one for each CPU if None.

    Returns:
        The path of the annotations.

    Raises:
        DataError: the folder holds something, there are too few items, or the modality is unknown.
    """
    folder, rates = Path(folder), rates or Rates()
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty; name a new folder for the demo set")
    planned = plan(items, seed, rates, noise_modality)
    for modality in ("image", "video", "audio"):
        (folder / "media" / modality).mkdir(parents=True)
    rows = list(_each(partial(_render, folder, seed), planned, workers or os.cpu_count() or 1))
    _write_lines(folder / "truth.jsonl", map(partial(_truth, noise_modality=noise_modality), planned))
    (folder / "README.md").write_text(_readme(planned, seed, rates, noise_modality), encoding="utf-8")
    # last: a folder without annotations is one that was not finished
    _write_lines(folder / "annotations.jsonl", rows)
    return folder / "annotations.jsonl"


def _each(render: Callable[[Item], Any], items: list[Item], workers: int) -> Iterator[Any]:
    if workers == 1 or len(items) <= CHUNK:
        yield from map(render, items)
        return
    with Processes(workers) as pool:
        chunks = [items[first : first + CHUNK] for first in range(0, len(items), CHUNK)]
        for rendered in [pool.submit(_render_chunk, render, chunk) for chunk in chunks]:
            yield from rendered.result()


def _render_chunk(render: Callable[[Item], Any], items: list[Item]) -> list[Any]:
    return list(map(render, items))


def _render(folder: Path, seed: int, item: Item) -> dict[str, Any]:
    """Write the media of one item; its row of the manifest."""
    # called in another process, so it returns a small row and writes the large files itself
    makers: dict[str, Callable[[Product, np.random.Generator], Any]] = {
        "image": photo, "text": title, "table": table, "video": video, "audio": sound,
    }  # fmt: skip
    made = {}
    for modality, shown in item.shown.items():
        # A generator for each file, so that an item looks the same whatever else is made, and in any process.
        generator = np.random.default_rng([seed, 2, item.number, zlib.crc32(modality.encode())])
        made[modality] = makers[modality](shown, generator)
    paths = {
        "image": f"media/image/{item.id}.jpg",
        "video": f"media/video/{item.id}.mp4",
        "audio": f"media/audio/{item.id}.flac",
    }
    if "image" in made:
        write_photo(folder / paths["image"], made["image"])
    if "audio" in made:
        write_sound(folder / paths["audio"], made["audio"])
    if "video" in made:
        write_video(folder / paths["video"], made["video"], made.get("audio"))
    values = dict.fromkeys(makers)
    for modality, content in made.items():
        values[modality] = paths.get(modality, content)
    labels = {"coarse": CATEGORIES[item.product.category], "fine": item.product_id}
    return {"id": item.id, "split": item.split, **values, "labels": labels}


def _truth(item: Item, noise_modality: str | None) -> dict[str, Any]:
    product = item.product
    return {
        "id": item.id,
        "product": item.product_id,
        "category": CATEGORIES[product.category],
        "traits": product.traits,
        "hue": round(product.hue, 4),
        "brand": BRANDS[product.brand],
        "size": round(product.size, 4),
        "speed": round(product.speed, 4),
        "look": product.look,
        "shown": _shown_traits(item),
        "wrong": item.wrong,
        "noise": noise_modality if noise_modality in item.shown else None,
    }


def _shown_traits(item: Item) -> dict[str, dict[str, int]]:
    """By modality, the traits that it shows, true of the item or not."""
    traits = {}
    for modality, shown in item.shown.items():
        traits[modality] = {trait: shown.traits[trait] for trait in SHOWS[modality]}
    return traits


def _readme(items: list[Item], seed: int, rates: Rates, noise_modality: str | None) -> str:
    columns = sorted(SHOWS)
    by_split: dict[str, Counter[str]] = {}
    wrong = complete = 0
    for item in items:
        by_split.setdefault(item.split, Counter()).update(["items", *item.shown])
        wrong += bool(item.wrong)
        complete += len(item.shown) == len(columns)
    lines = []
    for split, found in sorted(by_split.items()):
        cells = map(str, [split, *map(found.__getitem__, ["items", *columns])])
        lines.append(f"| {' | '.join(cells)} |")
    text = resources.files("m5kit.data.demo").joinpath("about.md").read_text(encoding="utf-8")
    return text.format(
        items=len(items),
        seed=seed,
        noise=noise_modality or "none",
        wrong=wrong,
        ambiguity=rates.ambiguity,
        complete=complete,
        header=" | ".join(columns),
        rule="---|" * (len(columns) + 2),
        splits="\n".join(lines),
    )


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
