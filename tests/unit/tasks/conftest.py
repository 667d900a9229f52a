import pytest
import torch

from m5kit.structures import Fused, Harmony, Tokens, View

ABC = ("a", "b", "c")
DIM, WIDTH = 8, 6


@pytest.fixture
def make_view():
    """A view of random tokens and features; ``lengths`` of the tokens, summary token counted, are ``1 + observed``."""

    def make(present, observed=4, seed=0, weights=None):
        present = torch.tensor(present, dtype=torch.bool)
        generator = torch.Generator().manual_seed(seed)
        items, count = present.shape

        def tokens(column):
            values = torch.randn(items, 1 + observed, DIM, generator=generator).requires_grad_()
            return Tokens(values, (1 + observed) * present[:, column].long())

        encoded = {m: tokens(i) for i, m in enumerate(ABC[:count]) if present[:, i].any()}
        fused = {m: tokens(i) for i, m in enumerate(ABC[:count]) if present[:, i].any()}
        features = (torch.randn(items, count, WIDTH, generator=generator) * present[:, :, None]).requires_grad_()
        both = present[:, :, None] & present[:, None]
        tasks = present.float() if weights is None else weights
        harmony = Harmony(both * torch.rand(count, count, generator=generator), tasks, present.float())
        zeros = torch.zeros(items, count, DIM)
        return View(
            modalities=ABC[:count],
            present=present,
            rows={m: present[:, i].nonzero().squeeze(1) for i, m in enumerate(ABC[:count])},
            encoded=encoded,
            features=features,
            fused=Fused(fused, zeros, zeros[:, 0], present.float()),
            harmony=harmony,
            targets={"kind": torch.arange(items) % 2},
            trust=present.float(),
            again=torch.randn(items, count, WIDTH, generator=generator) * present[:, :, None],
        )

    return make
