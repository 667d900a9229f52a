"""The config of a run folder, which may come from somebody else: it gives itself no permissions."""

import logging
from pathlib import Path

from m5kit.config.reader import display
from m5kit.config.tree import Node
from m5kit.permissions import FOLLOW_LINKS, is_allowed

log = logging.getLogger("m5kit")


def is_of_run(file: Path) -> bool:
    """Whether the file is in a run folder; where it is a link, either of its two folders counts."""
    return any((folder / "provenance.json").exists() for folder in (file.parent, file.resolve().parent))


def without_permissions(node: Node, file: Path) -> Node:
    """The content of ``file``; that of a run folder follows no links out of the data unless the caller allows it.

    Args:
        node: the content.
        file: that holds it.
    """
    data = node.child("data")
    wanted = data.child("follow_links") if data else None
    if data is None or wanted is None or wanted.value is not True or not is_of_run(file) or is_allowed(FOLLOW_LINKS):
        return node
    log.warning("note: %s follows links out of the data folder; here only --follow-links allows that", display(file))
    limited = {**data.value, "follow_links": Node(False, wanted.origin)}
    return Node({**node.value, "data": Node(limited, data.origin)}, node.origin)
