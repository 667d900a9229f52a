"""Encoders that hold one stack in common: fewer parameters, masks of their own, and only where stacks are alike."""

import pytest
import torch

from m5kit.errors import CheckpointError, ConfigError
from m5kit.models.sharing import share_stacks
from m5kit.registry import ENCODERS
from m5kit.runs import checkpoint
from m5kit.structures import Inputs

SMALL = {"type": "features", "dim": 16, "layers": 2, "heads": 2, "dropout": 0.0, "norm": "post"}
BERT = {
    "model_type": "bert",
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 8,
}
WORDS = {"type": "hf_text", "dim": 16, "vocabulary": 20, "max_tokens": 6, "mask_id": 4, "trainable": "all"}


def features(**changes):
    torch.manual_seed(0)
    wide = ENCODERS.build(SMALL, width=6, max_tokens=5)
    return torch.nn.ModuleDict({"wide": wide, "slim": ENCODERS.build(SMALL | changes, width=4, max_tokens=3)})


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_first_ones_stack_serves_all_and_is_counted_once():
    encoders = features()
    apart, stack = count(encoders), count(encoders["slim"].stack)
    share_stacks(encoders, [["wide", "slim"]])
    assert encoders["slim"].stack is encoders["wide"].stack
    assert count(encoders) == apart - stack


def test_each_encoder_keeps_its_own_lengths():
    encoders = features()
    share_stacks(encoders, [["wide", "slim"]])
    encoders.eval()
    long, short = torch.randn(1, 5, 6), torch.randn(3, 3, 4)
    alone = encoders["slim"](Inputs(short[1:2, :2], torch.tensor([2]))).values
    encoders["wide"](Inputs(long, torch.tensor([5])))
    among = encoders["slim"](Inputs(short, torch.tensor([3, 2, 1]))).values
    torch.testing.assert_close(among[1:2, :3], alone, atol=1e-5, rtol=0)
    assert torch.equal(among[2, 2:], torch.zeros(2, 16))


def test_one_backward_pass_adds_up_the_gradients_of_both():
    inputs = {
        "wide": Inputs(torch.randn(2, 5, 6), torch.tensor([5, 3])),
        "slim": Inputs(torch.randn(2, 3, 4), torch.tensor([3, 1])),
    }
    encoders = features()
    share_stacks(encoders, [["wide", "slim"]])
    weight = encoders["wide"].stack.blocks[0].linear1.weight
    parts = {m: torch.autograd.grad(encoders[m](i).values.square().mean(), weight)[0] for m, i in inputs.items()}
    sum(encoders[m](i).values.square().mean() for m, i in inputs.items()).backward()
    torch.testing.assert_close(weight.grad, parts["wide"] + parts["slim"])


def test_a_checkpoint_brings_the_shared_stack_back(tmp_path):
    encoders, again = features(), features()
    for model in (encoders, again):
        share_stacks(model, [["wide", "slim"]])
    optimizer = torch.optim.AdamW(encoders.parameters(), lr=0.1)
    encoders["slim"](Inputs(torch.randn(2, 3, 4), torch.tensor([3, 1]))).values.square().mean().backward()
    optimizer.step()
    saved = checkpoint.save(tmp_path, 1, encoders, optimizer, keep=1)
    other = torch.optim.AdamW(again.parameters(), lr=0.1)
    checkpoint.restore(saved, again, other)
    assert again["slim"].stack is again["wide"].stack
    assert all(torch.equal(a, b) for a, b in zip(encoders.parameters(), again.parameters(), strict=True))
    assert len(other.state_dict()["state"]) == len(optimizer.state_dict()["state"])


def test_a_checkpoint_of_stacks_of_their_own_is_refused(tmp_path):
    apart, together = features(), features()
    share_stacks(together, [["wide", "slim"]])
    saved = checkpoint.save(tmp_path, 1, apart, torch.optim.SGD(apart.parameters(), lr=0.1), keep=1)
    with pytest.raises(CheckpointError, match=r"slim\.stack\..* are one weight here and two there; set model\.share"):
        checkpoint.load_weights(saved, together)


def test_networks_of_other_libraries_are_shared_with_their_embeddings():
    text, table = (ENCODERS.build({**WORDS, "weights": BERT}) for _ in range(2))
    share_stacks({"text": text, "table": table}, [["text", "table"]])
    assert table.backbone is text.backbone
    wider = ENCODERS.build({**WORDS, "weights": {**BERT, "intermediate_size": 32}})
    with pytest.raises(
        ConfigError, match=r"network\.encoder\.layer\.0\.intermediate\.dense\.weight is \(16, 16\) here"
    ):
        share_stacks({"text": text, "table": wider}, [["text", "table"]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"heads": 4},
            r"encoder_wide and encoder_slim cannot share a stack: blocks\.0\.self_attn\.num_heads is 2 here and 4",
        ),
        ({"layers": 1}, r"blocks\.1 is TransformerEncoderLayer here and nothing there; make them alike"),
        ({"dropout": 0.1}, r"blocks\.0\.self_attn\.dropout is 0\.0 here and 0\.1 there"),
        ({"norm": "pre"}, r"the stack is PostNormStack here and TransformerStack there"),
    ],
)
def test_stacks_that_are_not_alike_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        share_stacks(features(**changes), [["wide", "slim"]])


def test_an_encoder_without_a_stack_is_refused():
    encoders = features()
    encoders["slim"].shareable = ""
    with pytest.raises(ConfigError, match=r"model\.share: encoder_slim \(FeatureTokens\) has no stack to share"):
        share_stacks(encoders, [["wide", "slim"]])
