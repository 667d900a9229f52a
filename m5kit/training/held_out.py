"""What a model in training makes of items that it does not train on: losses, neighbours, effective ranks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.assembly.contents import shared_labels
from m5kit.assembly.data import RunData
from m5kit.data.manifest import Manifest
from m5kit.errors import ConfigError
from m5kit.models.base import Model, PartialLoss, mean_logs
from m5kit.models.spaces import Spaces
from m5kit.runs.random_state import random_state, restore_random_state
from m5kit.structures import Batch

SPLIT = "val"
"""Where held-out items are looked for, unless the config names other splits."""
NEIGHBOURS = 5
_MOST_BYTES = 256 * 2**20  # of prepared items that stay in memory between two looks


@dataclass(frozen=True, slots=True)
class HeldOutValues:
    """Values by name, and the level of chance of those that have one."""

    values: Mapping[str, float]
    chance: Mapping[str, float]


class HeldOut:
    """Measures a model on some items, and leaves it and all random states as they were.

    Args:
        model: on its device.
        data: of the run.
        items: the held-out ones.
        label: whose classes neighbours should share; None for the label that serves best, if there is any.

    Raises:
        ConfigError: a label is named that fewer than two of the items have.
    """

    def __init__(self, model: Model, data: RunData, items: Manifest, label: str | None) -> None:
        self.model, self.data, self.items = model, data, items
        label = label or choose_label(items)
        self.label = label
        self.classes = None if label is None else np.array([item.labels.get(label, "") for item in items])
        if self.classes is not None and np.count_nonzero(self.classes != "") < 2:
            known = ", ".join(shared_labels(items)) or "none"
            problem = f"fewer than two of {len(items)} held-out items have {label!r}; labels that some share: {known}"
            raise ConfigError([f"validation.label: {problem}"])
        self._kept: list[Batch] | None = None

    @torch.no_grad()
    def measure(self) -> HeldOutValues:
        """Losses as in training but on whole items without augmentation or dropout, and what the vectors are worth."""
        state = random_state()
        training = self.model.training
        self.model.eval()
        try:
            return self._measure()
        finally:
            self.model.train(training)
            restore_random_state(*state)

    def _measure(self) -> HeldOutValues:
        parts: list[PartialLoss] = []
        totals, vectors, features, present = [], [], [], []
        for batch in self._batches():
            # what is hidden is drawn by the item, so every look hides the same
            part = self.model.prepare(batch, self.data.config.seed)
            parts.append(self.model.partial_loss(part, part.counts))
            totals.append(parts[-1].loss.float() * len(batch))
            view = self.model.backbone(part.batch)
            # What users will read, and not the fused embedding, which no loss may have reached.
            vectors.append(Spaces(self.model.backbone, self.model.readout, view).item)
            features.append(view.features.float().cpu())
            present.append(view.present)
        values = {"loss": float(torch.stack(totals).sum()) / len(self.items)}
        for name, value in mean_logs(parts).items():
            if name.startswith("loss/") or name.endswith("/accuracy"):
                values[name] = float(value)
        chance: dict[str, float] = {}
        there = torch.cat(present)
        by_modality = torch.cat(features)
        for column, modality in enumerate(self.model.modalities):
            values[f"rank/{modality}"] = effective_rank(by_modality[there[:, column], column])
        values["rank/item"] = effective_rank(torch.cat(vectors))
        if self.classes is not None and self.label is not None:
            name = f"knn/{self.label}"
            values[name], chance[name] = leave_one_out(torch.cat(vectors), self.classes)
        elif len(self.model.modalities) > 1:
            values["retrieval"], chance["retrieval"] = across_modalities(by_modality, there)
        return HeldOutValues(values, chance)

    def _batches(self) -> Iterator[Batch]:
        """The items, prepared anew unless all of them fit into a little memory."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Batch] = []
        size_in_memory = 0
        batch_size = self.data.config.schedule.batch_size
        # one row an item: two pictures of one product would be each other's negatives
        for batches in self.data.eval_loader(self.items, batch_size=batch_size, every_value=False):
            size_in_memory += _bytes(batches[0])
            if size_in_memory <= _MOST_BYTES:
                kept.append(batches[0])
            yield batches[0]
        self._kept = kept if size_in_memory <= _MOST_BYTES else None


def held_out_items(data: RunData, most: int) -> Manifest | None:
    """Items that are looked at while training, spread evenly over their splits; None if there are none.

    Args:
        data: of the run; its config may name the splits.
        most: how many at most.

    Raises:
        DataError: a split that the config names has no items.
    """
    wanted = data.config.data.val
    if wanted is None:
        # items that are trained on say nothing about others
        there = SPLIT in data.manifest.split_sizes() and SPLIT not in data.config.data.train
        wanted = (SPLIT,) if there else ()
    if not wanted:
        return None
    items = data.samples(*wanted)
    even = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(np.int64)
    return items.take(np.unique(even))


def choose_label(items: Manifest) -> str | None:
    """The label with the most items that share their class with another one; of equals the first by name."""
    shared = shared_labels(items)
    return shared[0] if shared else None


def effective_rank(vectors: Tensor) -> float:
    """Effective rank of ``n h`` vectors: the exponential of the entropy of their singular values; 0 for none.

    Source: Garrido et al., RankMe (ICML 2023), Eq. 1.
    """
    if not len(vectors):
        return 0.0
    values = torch.linalg.svdvals(vectors)
    # The paper's epsilon, as the logarithm of 0 is infinite.
    shares = values / values.sum().clamp(min=1e-12) + 1e-7
    return float(torch.exp(-(shares * shares.log()).sum()))


def leave_one_out(vectors: Tensor, classes: np.ndarray) -> tuple[float, float]:
    """Share of items whose nearest neighbours vote for their class, and that of always guessing the commonest class.

    Args:
        vectors: ``n d``.
        classes: ``n`` names; an item with an empty one has none and is left out.
    """
    from m5kit.evaluation.functional.classification import neighbour_vote

    known = classes != ""
    names, unit = classes[known], normalize(vectors[torch.from_numpy(known)], dim=-1)
    # No item is its own neighbour.
    scores = (unit @ unit.T).fill_diagonal_(-torch.inf)
    nearest = scores.topk(min(NEIGHBOURS, len(names) - 1)).indices.numpy()
    commonest = np.unique(names, return_counts=True)[1].max()
    return float((neighbour_vote(nearest, names) == names).mean()), float(commonest / len(names))


def across_modalities(features: Tensor, present: Tensor) -> tuple[float, float]:
    """How often an item's feature of one modality is the nearest to its feature of another, and the level of chance.

    Args:
        features: ``n m h``.
        present: ``n m``.
    """
    unit = normalize(features, dim=-1)
    hits, items, pairs = 0.0, 0, 0
    for i, j in combinations(range(features.shape[1]), 2):
        both = present[:, i] & present[:, j]
        scores, own = unit[both, i] @ unit[both, j].T, torch.arange(int(both.sum()))
        if len(own) > 1:
            hits += float((scores.argmax(0) == own).sum() + (scores.argmax(1) == own).sum()) / 2
            items, pairs = items + len(own), pairs + 1
    return hits / max(items, 1), pairs / max(items, 1)


def _bytes(batch: Batch) -> int:
    tensors: Sequence[Tensor] = [inputs.values for inputs in batch.inputs.values()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
