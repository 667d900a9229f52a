"""A loader whose workers find the same plugins as the process that starts them."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

from m5kit.plugins import PluginScope


class ScopedLoader(DataLoader[Any]):
    """Reads batches with worker processes.

    Args:
        dataset: the items.
        scope: the plugins that the items' decoders and transforms come from.
        options: those of ``torch.utils.data.DataLoader``.
    """

    def __init__(self, dataset: Dataset[Any], *, scope: PluginScope, **options: Any) -> None:
        super().__init__(dataset, **options)
        self.scope = scope

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # torch promises a class of its own
        """Start the workers; a spawned one finds the classes of local files through its environment only."""
        with self.scope.exported():
            return super().__iter__()
