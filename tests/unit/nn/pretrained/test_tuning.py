"""How much of a network learns, and how fast."""

import pytest
import torch
from torch import nn

from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.nn.pretrained.library import import_library
from m5kit.nn.pretrained.tuning import Pretrained, Tuning, find_blocks, learning_rate_scales, prefixed
from m5kit.training.optim import parameter_groups


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(4, 4)
        self.encoder = nn.Module()
        self.encoder.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)) for _ in range(3))
        self.norm = nn.BatchNorm1d(4)

    def forward(self, values):
        values = self.stem(values)
        for block in self.encoder.blocks:
            values = block(values)
        return self.norm(values)


def learned(module):
    return [name.removeprefix("network.") for name, p in module.named_parameters() if p.requires_grad]


def test_none_keeps_no_graph_and_stays_as_it_is_in_use():
    frozen = Pretrained(Network(), Tuning(trainable="none")).train()
    assert learned(frozen) == []
    assert not any(module.training for module in frozen.network.modules())
    values = torch.ones(2, 4)
    assert torch.equal(frozen(values), frozen(values))
    assert frozen(values).grad_fn is None


def test_last_n_is_the_last_blocks_and_what_follows_them():
    module = Pretrained(Network(), Tuning(trainable="last:2"))
    assert learned(module) == [
        "encoder.blocks.1.0.weight", "encoder.blocks.1.0.bias", "encoder.blocks.2.0.weight", "encoder.blocks.2.0.bias",
        "norm.weight", "norm.bias",
    ]  # fmt: skip


def test_frozen_blocks_and_what_surrounds_the_stack_stay_in_eval_mode():
    network = Network()
    network.dropout = nn.Dropout(0.5)  # acts on the frozen stem
    module = Pretrained(network, Tuning(trainable="last:1")).train()
    training = {name for name, each in network.named_modules() if each.training}
    assert training == {"encoder.blocks.2", "encoder.blocks.2.0", "encoder.blocks.2.1"}
    assert not any(each.training for each in module.eval().modules())
    assert "dropout" in {name for name, each in network.train().named_modules() if each.training}


def test_all_that_learns_trains():
    module = Pretrained(Network(), Tuning(trainable="all", layer_decay=0.5)).train()
    assert {name for name, each in module.network.named_modules() if not each.training} == {"norm"}


def test_batch_norms_never_learn_from_the_batch():
    module = Pretrained(Network(), Tuning(trainable="all")).train()
    assert module.network.stem.training
    assert not module.network.norm.training


def test_lora_learns_low_rank_additions_only_and_begins_where_the_network_was():
    plain = Network().eval()
    values = torch.randn(2, 4)
    before = plain(values)
    module = Pretrained(plain, Tuning(trainable="lora:2")).eval()
    assert torch.allclose(module(values), before)
    assert len(learned(module)) == 6
    assert all("lora_" in name and "encoder.blocks" in name for name in learned(module))


def test_learning_rates_shrink_from_the_last_block_to_the_first():
    scales = Pretrained(Network(), Tuning(trainable="all", layer_decay=0.5, rate_scale=0.1)).scales()
    wanted = {"stem": 0.1 / 16, "encoder.blocks.0": 0.1 / 8, "encoder.blocks.2": 0.1 / 2, "norm": 0.1}
    for name, scale in wanted.items():
        found = [value for key, value in scales.items() if key.startswith(f"network.{name}.")]
        assert found == pytest.approx([scale] * 2)


def test_the_optimizer_gets_the_rates_of_every_encoder_by_name():
    class Part(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = Pretrained(Network(), Tuning(trainable="all", rate_scale=0.1))
            self.new = nn.Linear(4, 4)

        def learning_rate_scales(self):
            return prefixed("backbone", self.backbone.scales())

    model = nn.Sequential(nn.Linear(4, 4), Part())
    scales = learning_rate_scales(model)
    assert set(scales) == {name for name, _ in model.named_parameters() if name.startswith("1.backbone.")}
    groups = parameter_groups(model, lr=0.5, weight_decay=0.01)
    assert [(round(g["lr"], 6), g["weight_decay"] > 0) for g in groups] == [
        (0.5, True), (0.5, False), (0.05, True), (0.05, False),
    ]  # fmt: skip
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


@pytest.mark.parametrize("trainable", ["some", "last:0", "last:4", "last:", "lora:0", "lora:x"])
def test_anything_else_is_refused(trainable):
    with pytest.raises(ConfigError, match="expected none, all, lora, lora:RANK or last:N with N from 1 to 3"):
        Pretrained(Network(), Tuning(trainable=trainable))


def test_a_network_without_blocks_cannot_learn_in_part():
    with pytest.raises(ConfigError, match="Linear has no stack of equal blocks; set trainable: none or all"):
        Pretrained(nn.Linear(2, 2), Tuning(trainable="last:1"))
    assert Pretrained(nn.Linear(2, 2), Tuning(trainable="all")).scales() == {}


def test_the_biggest_stack_is_found():
    assert find_blocks(Network()) == "encoder.blocks"


def test_checkpointing_needs_a_network_that_can():
    with pytest.raises(ConfigError, match="checkpointing: Network cannot do it"):
        Pretrained(Network(), Tuning(trainable="all", checkpointing=True))


def test_checkpointing_gives_the_same_gradients():
    from transformers import ViTConfig, ViTModel

    shape = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 8}
    network = ViTModel(ViTConfig(**shape, image_size=8, patch_size=4), add_pooling_layer=False)
    pictures = torch.randn(2, 3, 8, 8)

    def gradient(checkpointing):
        module = Pretrained(network, Tuning(trainable="all", checkpointing=checkpointing)).train()
        network.zero_grad()
        module(pixel_values=pictures).last_hidden_state.square().sum().backward()
        return network.layers[0].attention.q_proj.weight.grad.clone()

    assert torch.allclose(gradient(False), gradient(True), atol=1e-6)


def test_a_library_that_is_not_there_and_one_that_is_broken(tmp_path, monkeypatch):
    with pytest.raises(MissingDependencyError, match=r"enc needs the library 'nope', which is not installed; run: pip"):
        import_library("nope", "enc", "nope-package")
    (tmp_path / "broken_library.py").write_text("raise OSError('libfoo.so.1: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        MissingDependencyError, match=r"cannot be imported \(OSError: libfoo.so.1: cannot open\); run: pip"
    ):
        import_library("broken_library", "enc")
