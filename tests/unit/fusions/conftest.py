import pytest
import torch

from m5kit.structures import Tokens


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


LAYERED = {"scale", "one_stream", "cross_attention", "bottleneck"}


@pytest.fixture(params=["scale", "concat", "gated", "mean", "one_stream", "cross_attention", "bottleneck", "low_rank"])
def fusion(request):
    from m5kit.registry import FUSIONS

    arguments = {"layers": 2, "heads": 2} if request.param in LAYERED else {}
    facts = {"modalities": ("a", "b", "c"), "dim": 8, "dropout": 0.0}  # given to those that take them
    return FUSIONS.build({"type": request.param, **arguments}, **facts).eval()


@pytest.fixture
def tokens():
    """Four items: one with all of a, b and c, one without b, one with only c, one with nothing."""
    lengths = {"a": [3, 2, 0, 0], "b": [2, 0, 0, 0], "c": [1, 4, 2, 0]}
    return {name: Tokens(torch.randn(4, max(counts), 8), torch.tensor(counts)) for name, counts in lengths.items()}


@pytest.fixture
def weights():
    return torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
