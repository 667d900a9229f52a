"""Keeps what the items of a run's galleries look like in its folder, so that a report needs no data."""

import logging
from pathlib import Path

from m5kit.assembly.data import RunData
from m5kit.config import check_config, load_config
from m5kit.data.preview import preview
from m5kit.errors import M5KitError
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json

log = logging.getLogger("m5kit")


def keep_previews(run: Path) -> None:
    """Write ``previews.json`` of a run, parts by item, if it has galleries and what they show is not there yet.

    Data that are not here are no error: the galleries then show names without pictures.
    """
    folder = RunFolder(run)
    if not folder.gallery.exists():
        return
    wanted = gallery_items(folder)
    there = read_json(folder.previews) if folder.previews.exists() else {}
    if wanted <= there.keys():
        return
    try:
        write_json(folder.previews, _drawn(folder, wanted))
    except M5KitError as error:
        log.warning("the galleries of %s show no pictures: %s", run, error)


def gallery_items(folder: RunFolder) -> set[str]:
    """The ids of all queries and hits."""
    queries = [query for task in read_json(folder.gallery).values() for query in task["queries"]]
    return {item["id"] for query in queries for item in (query, *query["hits"])}


def _drawn(folder: RunFolder, wanted: set[str]) -> dict[str, list[dict[str, object]]]:
    config = check_config(load_config(folder.config))
    data = RunData.reopen(config, folder)
    samples = (sample for sample in data.manifest if sample.id in wanted)
    return {s.id: [part.as_json() for part in preview(s, data.root, data.pipelines)] for s in samples}
