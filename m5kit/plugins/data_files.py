"""The data that a local plugin reads, as a list of words beside it, found by the names that stand in its source."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from m5kit.plugins.content import counts, digest_of_files
from m5kit.plugins.imports import ENDING, helpers_of, tree_of

LONGEST = 255
"""Characters of a file's name; what is longer is a text."""
_PATTERN = re.compile(r"[^*/]*\*[^/]*\.\w+")
"""A part of a name that is not known, and an ending that is: ``*.txt``, ``words_*.json``."""


def data_digest(path: Path) -> str:
    """Sixteen digits for the data that a local plugin and its helpers name; empty if they name none.

    Args:
        path: of the plugin.
    """
    files = data_of(path)
    return digest_of_files((file.relative_to(path.parent).as_posix(), file) for file in files) if files else ""


def data_of(path: Path) -> list[Path]:
    """The files below a local plugin's folder that it or a helper names in a text, sorted; nothing is imported.

    A text may be a path (``data/words.txt``), one part of it (``folder / "data" / "words.txt"``) or a pattern with an
    ending (``*.txt``, ``f"words_{language}.txt"``). Python files are no data; see :func:`.imports.helpers_of`.

    Args:
        path: of the plugin.
    """
    texts = {text for file in (path, *helpers_of(path)) for text in _texts(file)}
    found: set[Path] = set()
    waiting, seen = [path.parent], {path.parent}
    while waiting:
        folder = waiting.pop()
        for each in _named(folder, texts):
            if not each.is_relative_to(path.parent) or not counts(each.relative_to(path.parent)):
                continue
            if each.is_file() and each.suffix != ENDING:
                found.add(each)
            elif each.is_dir() and each not in seen:  # it counts for what of it is named, not as a whole
                seen.add(each)
                waiting.append(each)
    return sorted(found)


def _named(folder: Path, texts: set[str]) -> Iterator[Path]:
    """What the texts name in a folder; the paths need not exist."""
    there = [each.name for each in folder.iterdir()] if any(map(_PATTERN.fullmatch, texts)) else []
    for text in texts:
        if _PATTERN.fullmatch(text):
            yield from (folder / name for name in there if fnmatchcase(name, text))
        elif ".." not in Path(text).parts:
            yield folder / text


def _texts(file: Path) -> Iterator[str]:
    """The texts of a Python file that may be a name; of what is filled in, a pattern."""
    for node in ast.walk(tree_of(file)):
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if 0 < len(text) <= LONGEST and text.isprintable():
            yield text
