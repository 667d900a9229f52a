"""Opens the dataset at a place, told by what is there."""

from collections.abc import Sequence

from m5kit.data.remote.place import Place, local_folder
from m5kit.data.sources.base import Dataset
from m5kit.data.sources.webdataset import default_source
from m5kit.registry import DATASETS


def open_items(place: Place, modalities: Sequence[str], follow_links: bool = False) -> Dataset:
    """The items of a manifest or of plain tar files.

    Args:
        place: the manifest, its folder, a folder of tar files, or the URL of one.
        modalities: the keys that are modalities.
        follow_links: also read what links out of the folder lead to.

    Raises:
        DataError: there are none, or some are invalid.
    """
    root = local_folder(place)
    given = {"root": root, "columns": modalities, "follow_links": follow_links}
    opened: Dataset = DATASETS.build({**default_source(root), **given})
    return opened
