"""The path from inputs to vectors as one graph of fixed shape: every item has a row of every modality, some of them
masked. Made for recorders such as ``torch.export``; :mod:`m5kit.models.embedder` is what everybody else uses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from m5kit.api import Inputs, Observation, Tokens
from m5kit.models.base import Model
from m5kit.models.embedder import Embedding, embedding_of
from m5kit.models.seen import Seen
from m5kit.models.spaces import Spaces
from m5kit.nn.packing import padded_layout


class DenseEmbedder(nn.Module):
    """Embeds items as :meth:`m5kit.models.base.Model.embed` does, without a size that depends on what an item lacks.

    The usual path runs an encoder on the items that have its modality, and dense layers on their real tokens. Here an
    absent modality is computed too and then hidden, and so is padding: the same vectors, for more work.

    Args:
        model: in eval mode.
        modalities: those that items may have, in the order of the columns of ``present``; others count as absent.
    """

    def __init__(self, model: Model, modalities: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.modalities = tuple(modalities)

    def forward(self, present: Tensor, inputs: Mapping[str, Inputs]) -> Embedding:
        """Embed b items.

        Args:
            present: ``b k`` bool, which of :attr:`modalities` an item has.
            inputs: by modality, those of all b items; of absent ones any values and lengths that are valid.
        """
        with padded_layout():
            view = self.model.backbone.fuse(self._see(present, inputs))
            return embedding_of(Spaces(self.model.backbone, self.model.readout, view))

    def _see(self, present: Tensor, inputs: Mapping[str, Inputs]) -> Seen:
        backbone, rows = self.model.backbone, torch.arange(present.shape[0])
        encoded, vectors = {}, {}
        for column, m in enumerate(self.modalities):
            there = present[:, column]
            observed = backbone.vectors.describe(m, backbone.encoders[m].observe(inputs[m]), inputs[m])
            encoded[m] = _hide(backbone.encoders[m].encode(observed), there)
            vectors[m] = backbone.vectors(m, encoded[m], _described(observed, there), rows)
        everything = self._all_columns(present)
        features = backbone.project(encoded, vectors, everything)
        return Seen(everything, everything, dict.fromkeys(encoded, rows), encoded, vectors, features, {})

    def _all_columns(self, present: Tensor) -> Tensor:
        """``b k`` spread over the m columns of the model."""
        nobody = torch.zeros_like(present[:, 0])
        given = {m: present[:, column] for column, m in enumerate(self.modalities)}
        return torch.stack([given.get(m, nobody) for m in self.model.backbone.modalities], dim=1)


def _hide(tokens: Tokens, there: Tensor) -> Tokens:
    """Tokens ``b l d`` as :meth:`m5kit.structures.Tokens.scatter` gives them: length 0 and zeros where absent."""
    given = None if tokens.given is None else tokens.given.masked_fill(~there[:, None], 0.0)
    values = tokens.values.masked_fill(~there[:, None, None], 0.0)
    return replace(tokens, values=values, lengths=tokens.lengths * there, given=given)


def _described(observation: Observation, there: Tensor) -> Tensor | None:
    """The fixed statistics ``b w``, zeros where absent."""
    if observation.described is None:
        return None
    return observation.described.masked_fill(~there[:, None], 0.0)
