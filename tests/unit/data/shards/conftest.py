import json

import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode.features import Features, write_pack
from m5kit.data.demo.encode import write_sound, write_video


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """Ten items; one picture is missing, one clip is damaged."""
    root = tmp_path_factory.mktemp("shop")
    random = np.random.default_rng(0)
    write_pack(root / "pack", {"f": Features(np.ones((3, 2), np.float32))})
    rows = []
    for number in range(10):
        row = {"id": f"item.{number}", "split": "train" if number < 7 else "test", "text": f"mug {number}"}
        row["labels"] = {"kind": "ab"[number % 2]}
        if number % 3 != 2:
            pixels = random.integers(0, 255, (60, 90, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / f"{number}.jpg")
            row["image"] = f"{number}.jpg"
        if number in (1, 4):
            frames = np.repeat(np.arange(12, dtype=np.uint8) * 20, 64 * 48 * 3).reshape(12, 48, 64, 3)
            write_video(root / f"{number}.mp4", frames, np.sin(np.arange(24_000) / 20).astype(np.float32))
            row["video"] = f"{number}.mp4"
        if number == 3:
            write_sound(root / "3.flac", np.sin(np.arange(32_000) / 20))
            row["audio"] = "3.flac"
        rows.append(row | {"price": number})
    rows[2]["image"] = "gone.jpg"
    rows[5]["image"] = "pack#f"
    rows[6]["video"] = "bad.mp4"
    (root / "bad.mp4").write_bytes(b"no film")
    rows[8]["table"] = {"colour": "red", "brand": None}
    text = "\n".join(json.dumps(row) for row in rows)
    (root / "annotations.jsonl").write_text(f"{text}\n", encoding="utf-8")
    (root / "classes.json").write_text(json.dumps({"kind": ["b", "a"]}))
    return root
