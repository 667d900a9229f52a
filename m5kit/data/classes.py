"""The order of a label's classes, kept in a file beside the manifest: a class's number is its place there.

Nothing here imports torch: importers stand on it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from m5kit.data.files import require_inside
from m5kit.data.json_values import parse_json
from m5kit.errors import DataError

CLASSES = "classes.json"


def write_classes(root: Path, classes: Mapping[str, Sequence[str]]) -> None:
    """Say beside a manifest how the classes of labels are numbered."""
    text = json.dumps({label: list(names) for label, names in classes.items()}, ensure_ascii=False, indent=1)
    (root / CLASSES).write_text(text + "\n", encoding="utf-8")


def class_order(root: Path, label: str, follow_links: bool = False) -> list[str]:
    """The classes of a label in the order that ``classes.json`` beside a manifest gives them; empty if it gives none.

    Raises:
        DataError: the file is no JSON object of label → list of different texts, or a link out of the folder.
    """
    path = root / CLASSES
    if not path.is_file():
        return []
    require_inside(path, root, follow_links)
    try:
        given = parse_json(path.read_text(encoding="utf-8"), names=(label,))
        names = given.get(label, [])
        right = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    except (ValueError, TypeError, AttributeError, OSError):
        right = False
    if not right:
        raise DataError(f"{path}: expected an object, label name → list of its classes, each once")
    return list(names)
