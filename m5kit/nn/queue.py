"""Features of earlier batches, kept as further negatives."""

import torch
from torch import Tensor, nn


class FeatureQueue(nn.Module):
    """The features of the last items that were trained on, oldest first out.

    They are a little older than the model, which changes slowly once training is under way.

    Args:
        size: how many items are kept; 0 keeps none.
        modalities: m.
        features: width h.

    Attributes:
        features: ``size m h``.
        present: ``size m`` bool, False where nothing is kept yet.
        targets: ``size``, class numbers, -1 for none.

    Source: cross-batch memory, Wang et al. (CVPR 2020), arXiv 1912.06798; without the second, slowly moving encoder of
        MoCo (He et al., CVPR 2020).
    """

    features: Tensor
    present: Tensor
    targets: Tensor
    next: Tensor

    def __init__(self, *, size: int, modalities: int, features: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("features", torch.zeros(size, modalities, features))
        self.register_buffer("present", torch.zeros(size, modalities, dtype=torch.bool))
        self.register_buffer("targets", torch.full((size,), -1))
        self.register_buffer("next", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def push(self, features: Tensor, present: Tensor, targets: Tensor) -> None:
        """Keep ``b m h`` features in the places of the oldest.

        Args:
            features: of the items.
            present: ``b m`` on the features' device.
            targets: ``b`` class numbers, -1 for none.
        """
        count = min(len(features), self.size)
        if not count:
            return
        # A ring: the newest overwrite the oldest.
        places = (self.next + torch.arange(count, device=self.next.device)) % self.size
        self.features[places] = features[:count].to(self.features.dtype)
        self.present[places] = present[:count]
        self.targets[places] = targets[:count]
        self.next.copy_((self.next + count) % self.size)
