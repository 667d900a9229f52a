"""The documentation as a site: every page has its place, and the build finds nothing to complain about."""

import os
import subprocess
import sys
from importlib import util
from pathlib import Path
from types import SimpleNamespace

import pytest

from m5kit.config.reader import read_file
from m5kit.registry import FAMILIES

ROOT = Path(__file__).parents[2]
MADE = {"index.md", "changelog.md", *(f"reference/{family}.md" for family in FAMILIES)}
"""Pages that ``tools/docs_site.py`` makes of other sources."""


def test_every_page_has_a_place_and_every_listed_how_to_is_there() -> None:
    pytest.importorskip("mkdocs")
    spec = util.spec_from_file_location("docs_site", ROOT / "tools" / "docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    site = util.module_from_spec(spec)
    spec.loader.exec_module(site)
    placed: list[str] = []
    for entry in site.on_config(SimpleNamespace()).nav:
        for pages in entry.values():
            placed += [pages] if isinstance(pages, str) else pages
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(placed) == sorted(pages | MADE)


def test_the_file_is_plain_yaml() -> None:
    assert read_file(ROOT / "mkdocs.yml").value["hooks"].value == ["tools/docs_site.py"]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("material")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    home = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="howto/own-data/"' in home  # a link of the README, as the site has it
