import pytest
import torch

from m5kit.structures import Fused


@pytest.fixture
def fused():
    generator = torch.Generator().manual_seed(0)
    pooled = torch.randn(4, 2, 3, generator=generator)
    return Fused({}, pooled.requires_grad_(), pooled.detach().sum(dim=1).requires_grad_(), torch.full((4, 2), 0.5))
