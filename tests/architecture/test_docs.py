"""The docs: links lead somewhere, code runs, commands exist, and every option and key of a config is in some page."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from m5kit.cli.main import _parser
from m5kit.config.sections import PARTS, SECTIONS, TABLES

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


def _anchors(page):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_anchors_lead_to_headings(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    targets = [((page.parent / path) if path else page, anchor) for path, anchor in links]
    assert [anchor for target, anchor in targets if target.suffix == ".md" and anchor not in _anchors(target)] == []


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


OLDER_NAMES = {"--tasks", "--figures"}
HOWTOS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md")


def _commands(parser, path=()):
    """Every command of the command line with its parser."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for name, child in action.choices.items():
            yield from _commands(child, (*path, name))
    if not below:
        yield " ".join(path), parser


COMMANDS = dict(_commands(_parser()))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_stands_in_some_page(command):
    options = {option for option in COMMANDS[command]._option_string_actions if option.startswith("--")}
    options -= {"--help", *OLDER_NAMES}
    assert [option for option in sorted(options) if not re.search(rf"{option}(?![\w-])", HOWTOS)] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_options_of_the_commands_in_a_page_exist(page):
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    wrong = []
    for line in re.findall(r"^\s*(?:\$ )?m5kit ([^#\n]*)", text, flags=re.MULTILINE):
        command = next((name for name in COMMANDS if f"{line} ".startswith(f"{name} ")), None)
        if command is not None and command not in ("bench", "search"):  # their options depend on what they are given
            known = COMMANDS[command]._option_string_actions
            wrong += [
                f"{command} {option}" for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", line) if option not in known
            ]
    assert wrong == []


def test_every_key_of_a_config_stands_in_its_how_to():
    table = (ROOT / "docs" / "howto" / "configs.md").read_text(encoding="utf-8").partition("## The keys")[2]
    keys = {*SECTIONS, *PARTS, *TABLES}
    for section in SECTIONS.values():
        keys.update(section.model_fields)
    assert [key for key in sorted(keys) if f"`{key}`" not in table] == []
