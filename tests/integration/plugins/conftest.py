"""Distributions written into a folder on the path, as pip would leave them."""

import os
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from m5kit import plugins

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file())


def write_distribution(site, name, entry_points, modules=None, version="1.0"):
    """A metadata folder and the modules of a made-up distribution."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n")
    (info / "entry_points.txt").write_text(dedent(entry_points))
    for module, source in (modules or {}).items():
        (site / f"{module}.py").write_text(dedent(source))


def install(site, folder):
    """An example distribution in place: its metadata in ``site``, its modules where they are."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in parts.items())])
        for group, parts in project["entry-points"].items()
    ]
    write_distribution(site, project["name"], "\n".join(groups), version=project["version"])
    return folder


@pytest.fixture(scope="session")
def distribution():
    return write_distribution


@pytest.fixture
def on_path(monkeypatch):
    """Puts folders on the path of this process and of those it starts."""
    before = set(sys.modules)

    def put(*folders):
        for folder in folders:
            monkeypatch.syspath_prepend(folder)
        old = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*map(str, folders), *([old] if old else [])]))
        plugins.refresh()

    monkeypatch.delenv(plugins.ALLOW_VARIABLE, raising=False)
    yield put
    monkeypatch.undo()
    plugins.refresh()
    for name in set(sys.modules) - before:
        if name.startswith(("zoo_", "m5kit_")):
            del sys.modules[name]


@pytest.fixture
def examples(tmp_path, on_path):
    """All example distributions, installed."""
    site = tmp_path / "site"
    on_path(site, *(install(site, folder) for folder in EXAMPLES))
    return EXAMPLES
