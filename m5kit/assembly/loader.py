"""A loader whose workers find the same plugins as the process that starts them."""

from collections.abc import Iterator
from typing import Any

from m5kit.data.loader import WatchedItems, WatchedLoader
from m5kit.plugins import PluginScope


class ScopedLoader(WatchedLoader):
    """Reads batches with worker processes.

    Args:
        items: the dataset.
        scope: the plugins that the items' decoders and transforms come from.
        options: those of :class:`m5kit.data.loader.WatchedLoader`.
    """

    def __init__(self, items: WatchedItems, *, scope: PluginScope, **options: Any) -> None:
        super().__init__(items, **options)
        self.scope = scope

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # torch promises a class of its own
        """Start the workers; a spawned one finds the classes of local files through its environment only."""
        with self.scope.exported():
            return super().__iter__()
