"""The contrastive heads: users read what goes into them, the loss what comes out (SimCLR, 2020)."""

from collections.abc import Mapping

from torch import nn

from m5kit.api import Encoder
from m5kit.errors import ConfigError
from m5kit.nn.initial import own_weights
from m5kit.nn.residual import ResidualVector


def contrastive_heads(
    kind: str, encoders: Mapping[str, Encoder], widths: Mapping[str, int], features: int
) -> nn.ModuleDict:
    """A head for each modality, which makes contrastive features of its public vector.

    Args:
        kind: ``mlp``, or ``linear_relu`` as SCALE has it; that of an aligned encoder begins as what it was given.
        encoders: by modality.
        widths: of the public vectors, by modality.
        features: width h of the contrastive features.

    Raises:
        ConfigError: an aligned encoder's vectors are not of width h.
    """
    _check_widths(encoders, features)
    heads = nn.ModuleDict()
    for m, encoder in encoders.items():
        with own_weights(f"projection_{m}"):
            heads[m] = _head(kind, encoder, widths[m], features)
    return heads


def _check_widths(encoders: Mapping[str, Encoder], features: int) -> None:
    problems = []
    for m, encoder in sorted(encoders.items()):
        width = encoder.given
        if encoder.aligned and width != features:
            problems.append(
                f"model.features: {features} is not the width {width} of the space that encoder_{m}'s weights were "
                f"aligned in; set model.features={width}, so that the run begins with what the tower knows"
            )
    if problems:
        raise ConfigError(problems)


def _head(kind: str, encoder: Encoder, width: int, features: int) -> nn.Module:
    if encoder.aligned:
        return ResidualVector(given=encoder.given, learned=width)
    if kind == "linear_relu":
        return nn.Sequential(nn.Linear(width, features), nn.ReLU())
    return nn.Sequential(nn.Linear(width, 2 * features), nn.GELU(), nn.Linear(2 * features, features))
