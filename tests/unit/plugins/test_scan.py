"""Distributions whose metadata lie beside their sources are plugins like installed ones."""

from pathlib import Path

import pytest

from m5kit.plugins.scan import published


@pytest.fixture(autouse=True)
def fresh():
    published.cache_clear()
    yield
    published.cache_clear()


def metadata(folder: Path, name: str) -> None:
    """The metadata of a distribution that publishes a fusion, as a wheel or a source checkout has it."""
    folder.mkdir(parents=True)
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n\nText.\n"
    (folder / ("PKG-INFO" if folder.suffix == ".egg-info" else "METADATA")).write_text(header)
    (folder / "entry_points.txt").write_text(f"[m5kit.v1.fusions]\n{name} = {name}:Mine\n")


def test_source_checkouts_keep_their_names_and_count_once(tmp_path, monkeypatch):
    metadata(tmp_path / "a" / "zoo_a.egg-info", "zoo_a")
    metadata(tmp_path / "b" / "zoo_b.egg-info", "zoo_b")
    metadata(tmp_path / "site" / "zoo_a-1.5.dist-info", "zoo_a")
    for folder in ("site", "b", "a"):
        monkeypatch.syspath_prepend(tmp_path / folder)
    found = [(part.name, part.distribution, part.version) for part in published().parts]
    assert [each for each in found if each[0].startswith("zoo")] == [
        ("zoo_a", "zoo_a", "1.5"),
        ("zoo_b", "zoo_b", "1.5"),
    ]
