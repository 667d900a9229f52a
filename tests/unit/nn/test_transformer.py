import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.transformer import QuickGELU, SummaryTransformer, TransformerStack, init_weights

LENGTHS = torch.tensor([4, 0, 1, 6])


def gradients(module, values):
    module.zero_grad()
    values = values.clone().requires_grad_()
    out = module(values, LENGTHS)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    return out.detach(), [values.grad, *(p.grad.clone() for p in module.parameters())]


def set_packed(module, packed):
    for part in module.modules():
        if isinstance(part, TransformerStack):
            part.packed = packed


@pytest.mark.parametrize("kind", [TransformerStack, SummaryTransformer])
def test_packed_and_padded_agree_in_values_and_gradients(kind):
    torch.manual_seed(0)
    module, values = kind(dim=16, layers=2, heads=4), torch.randn(4, 6, 16)
    packed, packed_gradients = gradients(module, values)
    set_packed(module, False)
    padded, padded_gradients = gradients(module, values)
    assert_close(packed, padded, atol=1e-5, rtol=1e-5)
    assert_close(packed_gradients, padded_gradients, atol=1e-5, rtol=1e-5)


def test_a_block_is_torchs_pre_norm_layer():
    torch.manual_seed(0)
    stack = TransformerStack(dim=8, layers=1, heads=2, ratio=2.0)
    theirs = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
    ours = [*stack.blocks[0].attention.parameters(), *stack.blocks[0].mlp.parameters()]
    layer = [*theirs.self_attn.parameters(), *theirs.linear1.parameters(), *theirs.linear2.parameters()]
    with torch.no_grad():
        for target, source in zip(layer, ours, strict=True):
            target.copy_(source)
    values = torch.randn(2, 3, 8)
    assert_close(stack(values, torch.tensor([3, 3])), theirs(values), atol=1e-6, rtol=1e-5)


def test_padding_comes_out_as_zeros_and_never_as_nan():
    out = TransformerStack(dim=8, layers=1, heads=2)(torch.full((2, 3, 8), torch.nan), torch.tensor([0, 0]))
    assert out.tolist() == torch.zeros(2, 3, 8).tolist()


@pytest.mark.parametrize("shape", [(0, 3, 8), (2, 0, 8)])
def test_nothing_in_nothing_out(shape):
    out = TransformerStack(dim=8, layers=1, heads=2)(torch.zeros(shape), torch.zeros(shape[0], dtype=torch.int64))
    assert out.shape == shape


def test_without_layers_the_summary_is_the_vector_plus_the_mean():
    module = SummaryTransformer(dim=4, layers=0, heads=1)
    values = torch.randn(1, 3, 4)
    mean = values[:, :2].mean(1) + module.summary
    expected = module.norm_out(module.norm_in(mean))
    assert_close(module(values, torch.tensor([2]))[:, 0], expected)


def test_an_item_without_tokens_still_has_a_summary():
    module = SummaryTransformer(dim=4, layers=1, heads=1)
    out = module(torch.zeros(1, 0, 4), torch.tensor([0]))
    assert out.shape == (1, 1, 4)
    assert out.isfinite().all()


def test_dropout_is_off_in_evaluation_and_on_in_training():
    torch.manual_seed(0)
    module, values, lengths = SummaryTransformer(dim=8, layers=1, heads=2, dropout=0.5), torch.randn(1, 4, 8), [4]
    lengths = torch.tensor(lengths)
    assert not torch.equal(module(values, lengths), module(values, lengths))
    module.eval()
    assert torch.equal(module(values, lengths), module(values, lengths))


def test_quick_gelu_by_hand():
    assert_close(QuickGELU()(torch.tensor([0.0, 1.0])), torch.tensor([0.0, 0.845795]), atol=1e-6, rtol=0)


def test_quick_gelu_has_the_slope_of_its_definition():
    values = torch.linspace(-4, 4, 33, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(QuickGELU(), values)
    mine, written_out = QuickGELU()(values), values * torch.sigmoid(1.702 * values)
    assert_close(mine, written_out)


def test_matrices_start_small_and_biases_at_zero():
    torch.manual_seed(0)
    linear = nn.Linear(100, 100)
    init_weights(linear)
    assert linear.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert linear.bias.abs().sum() == 0


def test_an_unknown_activation_is_named():
    with pytest.raises(ConfigError, match="no activation is named 'swish'; choose one of gelu, quick_gelu"):
        TransformerStack(dim=4, layers=1, heads=1, activation="swish")
