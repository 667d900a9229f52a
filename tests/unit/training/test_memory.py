"""The predicted memory of a process, against what a real pass and a real optimizer hold."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from m5kit.assembly.data import RunData
from m5kit.assembly.item_sizes import item_sizes
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.data.demo.make import make_demo
from m5kit.errors import ConfigError
from m5kit.training.memory import predict_memory
from m5kit.training.optim import build_optimizer
from m5kit.training.setup import hold

SMALL = ["data.workers=0", "data.item_seconds=null", "schedule.batch_size=64"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "demo"
    make_demo(folder, items=140, seed=2)
    return folder


def config_of(data: Path | None, *overrides: str, name: str = "demo/scale"):
    return check_config(load_config(name, [*SMALL, *overrides], data))


def kept_by_a_pass(config) -> int:
    """Bytes that really stay in memory between a forward pass and its backward pass, without the parameters."""
    data = RunData.fitted(config)
    torch.manual_seed(1)
    model = build_model(config, data.transforms, data.classes).train()
    return kept_of(model, next(iter(data.train_loader())))


def kept_of(model, batch) -> int:
    owned = {parameter.untyped_storage().data_ptr() for parameter in (*model.parameters(), *model.buffers())}
    held = {}

    def keep(tensor):
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in owned:
            held[memory.data_ptr()] = memory.nbytes()  # nothing is freed, so an address stands for one piece of memory
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.loss(batch, seed=5).loss
        found = sum(held.values())
        loss.backward()
    return found


@pytest.mark.parametrize("items", [16, 64])
def test_activations_are_those_of_a_pass_that_keeps_them(demo, items):
    config = config_of(demo, f"schedule.batch_size={items}", "seed=7")
    predicted = predict_memory(replace(config, seed=0), ranks=1, read=True)
    assert predicted.replicas.activations == pytest.approx(kept_by_a_pass(config), rel=0.15)
    assert (predicted.items, predicted.measured, predicted.read) == (items, 32, True)


def test_the_largest_of_batches_of_so_many_tokens_takes_what_was_predicted(demo):
    config = config_of(demo, "schedule.tokens=2000")
    predicted = predict_memory(config, ranks=1, read=True)
    data = RunData.fitted(config)
    torch.manual_seed(1)
    model = build_model(config, data.transforms, data.classes).train()
    loader = data.train_loader(sizes=item_sizes(data, model))
    kept = [kept_of(model, batch) for batch in islice(loader, 6)]
    assert predicted.replicas.activations == pytest.approx(max(kept), rel=0.15)
    assert max(kept) < 1.3 * min(kept)  # what a batch of so many items does not promise


def test_without_data_a_batch_has_as_many_full_items_as_fit():
    predicted = predict_memory(config_of(None, "schedule.tokens=3000"), ranks=2, read=False)
    full = {"audio": 17, "image": 17, "table": 33, "text": 25, "video": 33}
    assert predicted.items == 3000 // sum(full.values()) // 2
    with pytest.raises(
        ConfigError, match=r"schedule.tokens: a batch has 90 tokens, an item .* 125; set it to 125 or more"
    ):
        predict_memory(config_of(None, "schedule.tokens=90"), ranks=1, read=False)
    with pytest.raises(ConfigError, match="set it to 250 or more"):
        predict_memory(config_of(None, "schedule.tokens=200"), ranks=2, read=False)


@pytest.mark.parametrize("name", ["adamw", "muon", "adafactor", "sgd"])
def test_state_of_the_optimizer_is_exact(name):
    config = config_of(None, f"optimizer={name}", "schedule.batch_size=8")
    predicted = predict_memory(config, ranks=1, read=False).replicas
    model = build_model(config, _transforms(config), {})
    optimizer = build_optimizer(model, config.optimizer, 1e-3, 0.01, config.rates)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    states = optimizer.state_dict()["state"].values()
    state = [value for held in states for value in held.values() if torch.is_tensor(value)]
    assert predicted.optimizer == sum(value.nbytes for value in state)
    assert predicted.gradients == sum(parameter.nbytes for parameter in model.parameters())
    assert predicted.sums == 0


def _transforms(config):
    from m5kit.assembly.model import build_pipelines

    return {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}


def test_with_more_ranks_each_holds_fewer_items_and_shards_hold_less():
    one, four = (predict_memory(config_of(None), ranks, read=False) for ranks in (1, 4))
    assert (one.items, four.items) == (64, 16)
    # what grows with the items is a quarter, what is gathered from the others is not
    assert 0.24 < four.replicas.activations / one.replicas.activations < 0.3
    assert four.replicas.sums == four.replicas.gradients == one.replicas.gradients
    # heads, projections and scalars stay copies
    assert one.replicas.optimizer / 4 < four.shards.optimizer < one.replicas.optimizer / 2
    assert 0 < four.shards.gathered < one.replicas.parameters
    assert four.shards.total < four.replicas.total


def test_shards_hold_what_was_predicted(on_ranks):
    config = config_of(None, "optimizer=adamw", "schedule.batch_size=8")

    def held(group):
        torch.manual_seed(0)
        model = build_model(config, _transforms(config), {})
        replica = hold(model, group, shard=True)
        optimizer = build_optimizer(model, config.optimizer, 1e-3, 0.01, config.rates, replica=replica)
        kept = [*replica.copies, *replica.pieces()]
        for parameter in kept:
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        states = [value for held in optimizer.state.values() for value in held.values()]
        parameters = sum(tensor.nbytes for tensor in [*kept, *model.buffers()])
        return parameters, sum(value.nbytes for value in states), sum(piece.nbytes for piece in replica.pieces())

    parameters, state, pieces = on_ranks(2, held)[0]
    predicted = predict_memory(config, ranks=2, read=False)
    # the first process holds the odd row of matrices
    assert predicted.shards.parameters == pytest.approx(parameters, rel=0.01)
    assert predicted.shards.optimizer == pytest.approx(state, rel=0.01)
    assert pieces > predicted.replicas.gradients / 4  # most of the model is sharded


def test_items_that_are_compared_with_all_others_cost_the_square():
    memory = {}
    for items in (64, 4096, 8192):
        config = config_of(None, f"schedule.batch_size={items}", name="demo/contrast")
        memory[items] = predict_memory(config, ranks=1, read=False).replicas.activations
    assert memory[8192] - 2 * memory[4096] > 10 * 4096**2 * 4  # at least one matrix a pair of modalities


def test_more_processes_than_items_are_refused():
    with pytest.raises(ConfigError, match=r"schedule.batch_size: 64 items cannot be shared out among 65 processes"):
        predict_memory(config_of(None), ranks=65, read=False)


def test_fine_tuning_needs_data():
    with pytest.raises(ConfigError, match="--data: the head of fine-tuning"):
        predict_memory(config_of(None, "init.run=x", name="demo/finetune"), ranks=1, read=False)
