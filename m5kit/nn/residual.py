"""Learned additions to a vector that is good already: they begin at zero, so that nothing is lost at the start."""

from torch import Tensor, nn
from torch.nn.functional import normalize


class ResidualVector(nn.Module):
    """A given vector at unit length, plus a linear function of a learned one that begins at zero.

    Until something is learned, cosines between outputs are those between the given vectors. The unit length makes a
    learning rate mean the same beside any network, whatever the scale of its vectors.

    Args:
        given: width e of the given vector, and of the result.
        learned: width d of the learned one.

    Source: the zero initialisation of the last layer of a residual branch, Goyal et al., Accurate, Large Minibatch SGD
        (arXiv 1706.02677), section 5.1.
    """

    def __init__(self, *, given: int, learned: int) -> None:
        super().__init__()
        self.addition = nn.Linear(learned, given)
        nn.init.zeros_(self.addition.weight)
        nn.init.zeros_(self.addition.bias)

    def forward(self, given: Tensor, learned: Tensor) -> Tensor:
        """``b e`` from ``b e`` and ``b d``."""
        added: Tensor = self.addition(learned)
        return normalize(given, dim=-1) + added.to(given.dtype)
