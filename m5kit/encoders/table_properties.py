"""A table as a set of property-value pairs: tokens that know their pair, but not its place."""

import torch
from torch import Tensor, nn

from m5kit.encoders.base import Encoder
from m5kit.errors import ContractError
from m5kit.nn.transformer import SummaryTransformer, TransformerShape, init_weights
from m5kit.ranges import Count, Natural
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens

ROLES = 3


@ENCODERS.register_module("table_properties")
class TableProperties(Encoder):
    """A compact table encoder that learns from scratch; a task hides the ids of whole keys or values.

    A token is its id, its role and its place within the key or value. Pairs are a set, so no token knows where its
    pair stands; what binds a value to its key is a perceptron over the mean of their tokens, added to each of them.

    Args:
        dim: width d of the tokens.
        vocabulary: how many ids there are.
        max_tokens: the longest table.
        mask_id: the id of a hidden token.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
    """

    shareable = "transformer"

    def __init__(
        self,
        *,
        dim: Count,
        vocabulary: Count,
        max_tokens: Count,
        mask_id: Natural,
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        self.dim = dim
        self.vocabulary = vocabulary
        self.mask_id = mask_id
        self.words = nn.Embedding(vocabulary, dim)
        self.roles = nn.Embedding(ROLES, dim)
        self.places = nn.Embedding(max_tokens, dim)
        self.pair = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        for part in (self.words, self.roles, self.places, self.pair):
            part.apply(init_weights)

    def observe(self, inputs: Inputs) -> Observation:
        """The ids ``p l`` as they are, with the pair and the role of each.

        Raises:
            ContractError: the transform gave no groups or no roles.
        """
        if not {"groups", "roles"} <= inputs.extras.keys():
            raise ContractError(
                f"a table needs the extras 'groups' and 'roles', got {sorted(inputs.extras)}; "
                "use the transform 'properties'"
            )
        groups, roles = inputs.extras["groups"], inputs.extras["roles"]
        return Observation(inputs.values, inputs.lengths, groups, roles, self.vocabulary, self.mask_id)

    def encode(self, observation: Observation) -> Tokens:
        """Contextual tokens ``p 1+l d``."""
        assert observation.groups is not None
        assert observation.roles is not None
        device = observation.values.device
        real = torch.arange(observation.values.shape[1]) < observation.lengths[:, None]
        groups = observation.groups.masked_fill(~real, -1)
        # Padding has -1, which is no row of an embedding; its tokens are masked later.
        roles = observation.roles.clamp(min=0).to(device, non_blocking=True)
        places = places_in_part(groups, observation.roles).to(device, non_blocking=True)
        values = self.words(observation.values) + self.roles(roles) + self.places(places)
        values = values + self._pair_context(values, groups)
        return Tokens(self.transformer(values, observation.lengths), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["TableProperties", Inputs]:
        """A small instance, and three tables of different lengths."""
        encoder = cls(dim=16, vocabulary=20, max_tokens=9, mask_id=2, shape=TransformerShape(layers=1, heads=2))
        pairs = torch.arange(9) // 3
        roles = torch.tensor([1, 2, 2, 1, 2, 0, 1, 1, 2])
        tables = []
        for length in (6, 9, 3):
            ids = torch.randint(3, 20, (length,))
            tables.append(Inputs.single(ids, {"groups": pairs[:length], "roles": roles[:length]}))
        return encoder, Inputs.stack(tables)

    def _pair_context(self, values: Tensor, groups: Tensor) -> Tensor:
        together = (groups[:, :, None] == groups[:, None]) & (groups >= 0)[:, :, None]  # p l l
        shares = together / together.sum(2, keepdim=True).clamp(min=1)
        shares = shares.to(values.device, values.dtype, non_blocking=True)
        member = (groups >= 0)[..., None].to(values.device, non_blocking=True)
        return self.pair(shares @ values).masked_fill(~member, 0.0)  # type: ignore[no-any-return]


def places_in_part(groups: Tensor, roles: Tensor) -> Tensor:
    """Place of each token within its run of one group and one role, ``p l``.

    Example:
        >>> places_in_part(torch.tensor([[0, 0, 0, 1]]), torch.tensor([[1, 2, 2, 1]]))
        tensor([[0, 0, 1, 0]])
    """
    steps = torch.arange(groups.shape[1]).expand_as(groups)
    begins = torch.ones_like(groups, dtype=torch.bool)
    begins[:, 1:] = (groups[:, 1:] != groups[:, :-1]) | (roles[:, 1:] != roles[:, :-1])
    # The latest beginning so far, as a maximum over all steps before: ONNX has no cumulative one.
    later = torch.arange(groups.shape[1]) > torch.arange(groups.shape[1])[:, None]
    begun = steps.masked_fill(~begins, 0)[:, None].masked_fill(later, 0)  # p l l
    return steps - begun.amax(2) if groups.shape[1] else steps
