"""The vocabulary of `docs/glossary.md`: one concept, one name; words that were given up do not come back."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "m5kit").rglob("*.py"))
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")

RETIRED = {
    r"figures?(?! \d)": "metric value",
    r"films?": "video",
    r"surveys?": "data summary",
    r"doors?": "interface",
    r"anatomy": "class checks",
    r"trust(s|ed)?": "plugin scope",
    r"hears?|hearing": "encode",
    r"mends?": "fix",
    r"keep store|OutputStore": "cache",
    r"damages": "corrupts",
    r"but for": "except",
    r"gone for good": "permanently removed",
    r"is to be an?": "must be a",
    r"one word away": "chosen by name",
    r"optimisers?": "optimizer",
    r"harmonisers?": "harmonizer",
}
"""Words that were given up, as patterns, and the word to write instead."""

ALLOWED = {
    r"figures?(?! \d)": (
        # matplotlib's figures
        "m5kit/report/",
        # Hook.after_figures and its tests
        *(
            "m5kit/hooks/",
            "m5kit/testing/hook.py",
            "m5kit/training/",
            "docs/howto/hooks.md",
            "docs/howto/watch-training.md",
        ),
        *("docs/plugins/api.md", "docs/plugins/testing.md"),
        # older names that are still read
        *("m5kit/api.py", "m5kit/cli/report.py", "m5kit/ablation/", "m5kit/runs/", "docs/howto/ablations.md"),
        # the argument of robustness
        *("m5kit/evaluation/robustness.py", "docs/howto/evaluate.md"),
        *("docs/results.md", "docs/results-choices.md", "docs/results-history.md", "docs/adr/"),
    ),
    "films?": ("docs/results.md", "docs/results-choices.md", "docs/results-history.md"),
    "trust(s|ed)?": ("m5kit/data/decode/", "docs/adr/"),
    "but for": ("docs/adr/", "m5kit/ablation/", "m5kit/report/", "docs/howto/ablations.md"),
}
"""Files, or beginnings of their paths, in which a retired word has another meaning or is the name of something old."""

ABBREVIATED = {"_T", "_Finder", "_Dumper"}


def _name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("pattern", RETIRED)
def test_retired_words_do_not_come_back(pattern):
    found = []
    for path in (*MODULES, *PAGES):
        if _name(path).startswith(ALLOWED.get(pattern, ())):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(rf"\b({pattern})\b", line, re.IGNORECASE):
                found.append(f"{_name(path)}:{number}: {line.strip()}")
    assert not found, f"write {RETIRED[pattern]!r} instead:\n" + "\n".join(found)


def test_class_names_are_unique():
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name not in ABBREVIATED:
                places[node.name].append(_name(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_word_has_one_entry_in_the_glossary():
    words = []
    for line in GLOSSARY.splitlines():
        if line.startswith("| ") and line.count("|") == 3:
            words += [word.strip() for word in line.split("|")[1].split(",")]
    assert sorted(words) == sorted(set(words))


def test_the_glossary_uses_no_retired_word():
    meanings = GLOSSARY.lower()
    assert [pattern for pattern in RETIRED if re.search(rf"\b({pattern})\b", meanings)] == []
