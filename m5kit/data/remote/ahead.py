"""The files that items need, and how to have them on this machine before they are opened."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from m5kit.data.json_lines import PATHS
from m5kit.data.remote.copies import bring, mirror_of
from m5kit.data.remote.copying import TAR
from m5kit.data.several import each_value
from m5kit.structures import Sample

CONNECTIONS = 8
"""Files that are fetched at a time."""


def named_files(sample: Sample, root: Path) -> list[str]:
    """The files that an item names, and the tar files that its paths lead through."""
    found = []
    for modality, sources in sample.sources.items():
        for source in each_value(sources):
            if not isinstance(source, str) or not (modality in PATHS or f"{TAR}/" in source):
                continue
            tar, inside, _ = source.partition(f"{TAR}/")
            path = os.path.normpath(root / (f"{tar}{TAR}" if inside else source))
            if path.startswith(os.path.join(root, "")):  # what leaves the folder is refused when it is opened
                found.append(path)
    return found


def fetch_together(samples: Sequence[Sample], root: Path) -> None:
    """Have the files of some items here, if their folder mirrors one behind a URL; nothing happens in other folders.

    Raises:
        RemoteError: the folder cannot be read.
    """
    if mirror_of(os.path.join(root, "")) is None:
        return
    files: dict[str, None] = {}
    for sample in samples:
        files |= dict.fromkeys(named_files(sample, root))
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(bring, files))  # a list, so that an error is raised here
