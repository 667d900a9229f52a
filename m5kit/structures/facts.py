"""What the host knows of a batch before anything is encoded."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from m5kit.structures.tokens import Observation


@dataclass(frozen=True, slots=True)
class Facts:
    """Presence and lengths, from which a task counts what it will score. All on the host.

    Attributes:
        modalities: the m columns of ``present``.
        present: ``b m`` bool.
        rows: for each modality that some item has, the rows ``p`` of those items.
        observations: by modality, what its encoder shows of them.
    """

    modalities: tuple[str, ...]
    present: Tensor
    rows: Mapping[str, Tensor]
    observations: Mapping[str, Observation]

    def lengths(self, modality: str) -> Tensor:
        """Observed tokens ``b`` of each item, without the summary; 0 where absent."""
        lengths = torch.zeros(len(self.present), dtype=torch.int64)
        if modality in self.rows:
            lengths[self.rows[modality]] = self.observations[modality].lengths
        return lengths
