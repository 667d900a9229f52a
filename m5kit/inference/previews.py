"""Stores previews of the items in a run's galleries in its folder, so that a report needs no data."""

import logging
from pathlib import Path

from m5kit.assembly.data import RunData
from m5kit.config import check_config, load_config
from m5kit.data.preview import preview
from m5kit.errors import CheckpointError, M5KitError
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json

_REMEDY = "remove it to report without these examples, or evaluate the run again"

log = logging.getLogger("m5kit")


def keep_previews(run: Path) -> None:
    """Write ``previews.json`` of a run, previews by item, if its galleries show items that are not in it yet.

    Missing data, or a run that may not be written, are no error: the galleries then show names without pictures.
    """
    folder = RunFolder(run)
    if not folder.gallery.exists():
        return
    wanted = gallery_items(folder)
    there = read_json(folder.previews, _REMEDY) if folder.previews.exists() else {}
    if wanted <= there.keys():
        return
    try:
        write_json(folder.previews, _drawn(folder, wanted))
    except (M5KitError, OSError) as error:
        log.warning("the galleries of %s show no pictures: %s", run, error)


def gallery_items(folder: RunFolder) -> set[str]:
    """The ids of all queries and hits."""
    ids = set()
    try:
        for gallery in read_json(folder.gallery, _REMEDY).values():
            for query in gallery["queries"]:
                ids.add(query["id"])
                for hit in query["hits"]:
                    ids.add(hit["id"])
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder.gallery} holds no galleries: {error!r}; {_REMEDY}") from error
    return ids


def _drawn(folder: RunFolder, wanted: set[str]) -> dict[str, list[dict[str, object]]]:
    """The previews of some items by id, read from the data that the run was trained on."""
    config = check_config(load_config(folder.config))
    data = RunData.reopen(config, folder)
    drawn = {}
    for sample in data.manifest:
        if sample.id in wanted:
            drawn[sample.id] = [part.as_json() for part in preview(sample, data.root, data.pipelines)]
    return drawn
