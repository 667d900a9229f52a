"""What the encoders of a backbone made of a batch, before anything is weighed or fused."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from m5kit.api import Tokens


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch behind the encoders.

    Attributes:
        present: ``b m`` bool on the host.
        there: the same on the device.
        rows: by modality, the positions ``p`` (host) of the items that have it.
        encoded: by modality, tokens ``b l d``.
        vectors: by modality, public vectors ``b w``.
        features: ``b m h`` contrastive features; zeros where absent.
        targets: class numbers ``b`` by label.
    """

    present: Tensor
    there: Tensor
    rows: Mapping[str, Tensor]
    encoded: Mapping[str, Tokens]
    vectors: Mapping[str, Tensor]
    features: Tensor
    targets: Mapping[str, Tensor]
