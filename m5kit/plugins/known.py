"""Remembers the local plugins that a user trained with, so that a run folder from elsewhere cannot name others.

A run's config names code by its path, and the folder may have come from somebody else, with that code beside it. So a
local file runs for a run folder only if a training of this user named the same file, with the same content, in a config
or on a command line. What else a run folder names has to be allowed by whoever calls: see docs/security.md.
"""

import hashlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from m5kit.permissions import LOCAL_PLUGINS, is_allowed, state_folder
from m5kit.plugins.scope import LocalFile, PluginScope

log = logging.getLogger("m5kit")

FOLDER = "local-plugins"
"""Holds one small file for each local file, so that two trainings at once cannot lose each other's entry."""

_of_this_process: set[LocalFile] = set()


def remember(files: Iterable[LocalFile]) -> None:
    """Note local files that a config or a command line of the user's own names."""
    for file in files:
        _of_this_process.add(file)
        place = _place(file)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(os.fsencode(f"{file.path}\n"))  # a path need not be UTF-8
        except OSError as error:  # a home that cannot be written to must not stop a training
            log.warning(
                "cannot remember the local plugin %s: %s; later commands need --allow-local-plugins", file.path, error
            )


def is_known(path: str, scope: PluginScope) -> bool:
    """Whether a run folder may name the local file at ``path``, as it is now."""
    file = LocalFile.at(path)
    if is_allowed(LOCAL_PLUGINS) or file in scope.files or file in _of_this_process:
        return True
    return bool(file.digest) and _place(file).is_file()


def _place(file: LocalFile) -> Path:
    return state_folder() / FOLDER / hashlib.sha256(f"{file.path}\0{file.digest}".encode()).hexdigest()
