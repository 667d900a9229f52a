"""What the caller of a command allows files from elsewhere to do, and the folder where m5kit remembers what a user did.

Environment variables hold the permissions, so that they reach every process that a command starts. Nothing in a data
folder, a run folder or a config can set them.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

LOCAL_PLUGINS = "M5KIT_ALLOW_LOCAL_PLUGINS"
"""A run folder may name local plugins that no training of this user named; ``--allow-local-plugins``."""

FOLLOW_LINKS = "M5KIT_FOLLOW_LINKS"
"""A run folder's ``data.follow_links: true`` holds; ``--follow-links``."""

STATE = "M5KIT_STATE"
"""The folder of what m5kit remembers of a user; ``~/.local/state/m5kit`` without it."""


def is_allowed(permission: str) -> bool:
    """Whether the caller gave one of the permissions above."""
    return os.environ.get(permission, "") not in ("", "0")


@contextmanager
def allowing(*permissions: str) -> Iterator[None]:
    """Give permissions inside of a ``with`` block, also to processes that are started there."""
    before = {name: os.environ.get(name) for name in permissions}
    os.environ.update(dict.fromkeys(permissions, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def allowing_links(follows: bool) -> AbstractContextManager[None]:
    """Let run folders follow links inside of a ``with`` block, where the caller's own config follows them."""
    return allowing(FOLLOW_LINKS) if follows else nullcontext()


def state_folder() -> Path:
    """The folder of what m5kit remembers of a user, which need not be there yet."""
    return Path(os.environ.get(STATE) or "~/.local/state/m5kit").expanduser()
