import json

import fsspec
import pytest

from m5kit.data.remote import copies as paths
from m5kit.data.remote import folder, mirror


@pytest.fixture(autouse=True)
def copies(tmp_path, monkeypatch):
    """Copies of this test alone, and no waiting between two tries."""
    monkeypatch.setenv("M5KIT_REMOTE", str(tmp_path / "copies"))
    monkeypatch.setattr(folder, "DELAYS", (0.0, 0.0))
    monkeypatch.setattr(mirror, "FRESH", 0.0)
    paths._mirrors.clear()
    return tmp_path / "copies"


@pytest.fixture
def store():
    """An object store in memory, and what puts files into it."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


@pytest.fixture
def shop(store):
    """Three items behind the URL that is returned."""
    rows = [{"id": str(number), "split": "train", "image": f"pictures/{number}.jpg"} for number in range(3)]
    store.pipe("/shop/annotations.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    for number in range(3):
        store.pipe(f"/shop/pictures/{number}.jpg", bytes([number]) * 1000)
    return "memory://shop"
