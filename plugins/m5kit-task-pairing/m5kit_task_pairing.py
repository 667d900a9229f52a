"""Pairing: do two modalities belong to one item? The wrong partner is a hard one."""

from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from m5kit.api import Hidden, Task, TaskOutput, View


class Pairing(Task):
    """A small network tells an item's own pair of features from one whose second half is another item's.

    The wrong partner is the one that looks most like the right one, so the task sharpens what a contrastive loss with
    in-batch negatives leaves blurred.

    Args:
        features: width of the contrastive features.
        hidden: width of the network.

    Source: the image-text matching loss with hard negatives of Li et al., Align before Fuse (NeurIPS 2021).
    """

    view = "clean"

    def __init__(self, *, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(3 * features, hidden), nn.GELU(), nn.Linear(hidden, 1))

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Mean over the pairs of modalities that at least two items have."""
        losses, hits = [], []
        for i, j in combinations(range(len(view.modalities)), 2):
            rows = (view.present[:, i] & view.present[:, j]).nonzero().squeeze(1)
            if len(rows) < 2:
                continue
            rows = rows.to(view.features.device, non_blocking=True)
            scores, wanted = self._scores(view.features[rows, i], view.features[rows, j])
            losses.append(binary_cross_entropy_with_logits(scores.float(), wanted))
            hits.append(((scores.detach() > 0) == (wanted > 0)).float().mean())
        if not losses:
            return TaskOutput(view.features.sum() * 0 + self.network[0].bias.sum() * 0)
        return TaskOutput(torch.stack(losses).mean(), {"accuracy": torch.stack(hits).mean()})

    def _scores(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Scores ``2n`` of right and wrong pairs, and 1 or 0 for each."""
        a, b = normalize(a, dim=-1), normalize(b, dim=-1)
        alike = (a @ b.mT).detach().fill_diagonal_(-torch.inf)
        wrong = b[alike.argmax(dim=1)]
        pairs = torch.cat([torch.cat([a, other, a * other], dim=-1) for other in (b, wrong)])
        wanted = torch.cat([torch.ones(len(a)), torch.zeros(len(a))]).to(a.device, non_blocking=True)
        return self.network(pairs).squeeze(-1), wanted
