"""The docs: links lead somewhere, code runs, commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("*.md")]
)
VERBS = {
    *(
        "ablate",
        "bench",
        "config",
        "data",
        "embed",
        "evaluate",
        "export",
        "index",
        "list",
        "plugins",
        "reference",
        "report",
        "search",
    ),
    *("serve", "show", "train"),
}


def _name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def _python(page):
    """The page's Python, as one session of a reader; ``<!-- skip -->`` before a block leaves it out."""
    blocks = re.findall(r"(<!-- skip -->\n)?```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return "\n".join(block for skipped, block in blocks if not skipped)


@pytest.mark.parametrize("page", [page for page in PAGES if _python(page)], ids=_name)
def test_python_examples_run(page, tmp_path):
    (tmp_path / "page.py").write_text(_python(page), encoding="utf-8")
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_and_configs_exist(page):
    text = page.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"```(?:console|bash|sh)?\n(.*?)```", text, flags=re.DOTALL))
    named = re.findall(r"^\s*(?:\$ )?m5kit ([a-z]+)\b", fenced, flags=re.MULTILINE)
    assert sorted(set(named) - VERBS) == []
    for path in re.findall(r"\b(?:configs|tools|benchmarks)/[\w/]+\.(?:yaml|py)\b", text):
        assert (ROOT / path).exists() or "_base_/" in path, path
