"""Where a run's items come from."""

from pathlib import Path

from m5kit.api import Dataset
from m5kit.config import RunConfig
from m5kit.config.section import NO_ROOT
from m5kit.data.remote.place import as_place, local_folder
from m5kit.errors import ConfigError
from m5kit.registry import DATASETS


def open_dataset(config: RunConfig, columns: tuple[str, ...] = ()) -> Dataset:
    """The dataset that a config names; by default a manifest or, where there are tar files alone, their members.

    Args:
        config: checked.
        columns: those that are read of each item.

    Raises:
        ConfigError: the config names no folder.
        DataError: the items cannot be found, or some of them are invalid.
    """
    from m5kit.data.sources.webdataset import default_source  # a run that is used opens no data set

    wanted = config.data
    root = _place(config)
    given = {
        "root": root,
        "columns": columns,
        "manifest": wanted.manifest,
        "follow_links": wanted.follow_links,
    }
    opened: Dataset = DATASETS.build(config.data.source or default_source(root), config.plugins, **given)
    return opened


def data_root(config: RunConfig) -> Path:
    """The folder that paths of items are relative to: the manifest's, where a config names the file itself.

    Raises:
        ConfigError: the config names none.
        RemoteError: the URL cannot be reached.
    """
    place = _place(config)
    return place.parent if place.is_file() else place


def _place(config: RunConfig) -> Path:
    """Folder of the manifest, or its file; for a URL the folder on this machine that mirrors it.

    Raises:
        ConfigError: the config names none.
        RemoteError: the URL cannot be reached.
    """
    if config.data.root is None:
        raise ConfigError([NO_ROOT])
    return local_folder(as_place(config.data.root))
