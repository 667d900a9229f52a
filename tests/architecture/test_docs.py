"""The docs: links lead somewhere, code runs, commands exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("*.md")]
)
VERBS = {"data", "train", "evaluate", "embed", "list", "show", "config", "plugins"}


def _name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_python_examples_run(page, tmp_path, monkeypatch):
    """Blocks of one page share their names, as a reader's session would; ``<!-- skip -->`` before one leaves it out."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"(<!-- skip -->\n)?```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "docs"}
    for skipped, block in blocks:
        if not skipped:
            exec(compile(block, _name(page), "exec"), names)
    assert "__builtins__" in names or not [b for s, b in blocks if not s]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_and_configs_exist(page):
    text = page.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"```(?:console|bash|sh)?\n(.*?)```", text, flags=re.DOTALL))
    named = re.findall(r"^\s*(?:\$ )?m5kit ([a-z]+)\b", fenced, flags=re.MULTILINE)
    assert sorted(set(named) - VERBS) == []
    for path in re.findall(r"\b(?:configs|tools|benchmarks)/[\w/]+\.(?:yaml|py)\b", text):
        assert (ROOT / path).exists() or "_base_/" in path, path
