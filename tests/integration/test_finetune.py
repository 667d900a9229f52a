"""Fine-tuning learns from a hard modality beside an easy one."""

from statistics import mean

import pytest
import torch

from m5kit.models.backbone import Backbone
from m5kit.models.finetuner import Finetuner
from m5kit.registry import ENCODERS, FUSIONS, HARMONIZERS, HEADS
from m5kit.structures import Batch, Inputs
from m5kit.training.optim import parameter_groups
from m5kit.training.step import TrainStep

CLASSES, BOTH = 4, ("audio", "text")
SEEDS = (2, 3)  # how far a head leans differs from one beginning to the next


def items(count: int, seed: int) -> Batch:
    """A text that is the class, and a sound in which noise hides a faint tone of the class."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, CLASSES, (count,), generator=generator)
    texts, sounds = [], []
    for number in target.tolist():
        texts.append(Inputs.single(torch.tensor([4 + number, 3])))
        sound = torch.randn(8, 8, generator=generator)
        sound[:, 2 * number] += 1.2
        sounds.append(Inputs.single(sound))
    inputs = {"audio": Inputs.stack(sounds), "text": Inputs.stack(texts)}
    names = tuple(str(number) for number in range(count))
    return Batch(names, BOTH, torch.ones(count, 2, dtype=torch.bool), inputs, {"kind": target})


def finetuner(modalities: tuple[str, ...], alone: float, seed: int) -> Finetuner:
    torch.manual_seed(seed)
    shape = {"layers": 1, "heads": 2, "dropout": 0.0}
    settings = {
        "audio": {"type": "audio_patches", "mels": 8, "steps": 8, "patch": 4},
        "text": {"type": "text_tokens", "vocabulary": 10, "max_tokens": 2, "mask_id": 2},
    }
    backbone = Backbone(
        encoders={m: ENCODERS.build({"dim": 16, **shape, **settings[m]}) for m in modalities},
        fusion=FUSIONS.build({"type": "scale"}, dim=16, modalities=modalities, **shape),
        harmonizer=HARMONIZERS.build({"type": "uniform"}, modalities=modalities),
        features=8,
    )
    config = {"type": "classification", "hidden": 16, "activation": "gelu"}
    head = HEADS.build(config, dim=16, modalities=modalities, classes=CLASSES)
    return Finetuner(backbone=backbone, head=head, label="kind", alone=alone)


def trained(modalities: tuple[str, ...], alone: float, seed: int) -> Finetuner:
    model = finetuner(modalities, alone, seed).train()
    optimizer = torch.optim.AdamW(parameter_groups(model, lr=5e-3, weight_decay=0.01))
    step = TrainStep(model, optimizer, clip=1.0, precision="fp32", seed=0)
    everything = items(512, seed=0)
    for number in range(96):
        chosen = torch.arange(32) + 32 * (number % 16)
        step([everything.take(chosen).only(modalities)])
    return model.eval()


@torch.no_grad()
def accuracy(model: Finetuner, seen: tuple[str, ...]) -> float:
    test = items(400, seed=1)
    right = model.predict(test.only(seen)).argmax(1) == test.targets["kind"]
    return right.float().mean().item()


@pytest.fixture(scope="module")
def reference() -> float:
    """The mean accuracy on sounds of models that were trained on nothing else."""
    return mean([accuracy(trained(("audio",), 0.0, seed), ("audio",)) for seed in SEEDS])


def test_a_hard_modality_is_learned_beside_an_easy_one(reference):
    models = [trained(BOTH, 1.0, seed) for seed in SEEDS]
    for model in models:
        assert accuracy(model, BOTH) > 0.99
        assert accuracy(model, ("text",)) > 0.99
    assert mean([accuracy(model, ("audio",)) for model in models]) > 0.95 * reference


def test_without_it_the_head_leans_on_the_easy_modality(reference):
    models = [trained(BOTH, 0.0, seed) for seed in SEEDS]
    for model in models:
        assert accuracy(model, BOTH) > 0.99
    assert mean([accuracy(model, ("audio",)) for model in models]) < 0.9 * reference
