import pytest
import torch

from m5kit.models.backbone import Backbone
from m5kit.registry import ENCODERS, FUSIONS, HARMONIZERS
from m5kit.structures import Batch, Inputs

DIM = 16
MODALITIES = ("audio", "image", "table", "text", "video")
ENCODER = {
    "audio": {"type": "audio_patches", "mels": 8, "steps": 16, "patch": 4},
    "image": {"type": "image_patches", "size": 16, "patch": 8},
    "table": {"type": "table_properties", "vocabulary": 20, "max_tokens": 9, "mask_id": 2},
    "text": {"type": "text_tokens", "vocabulary": 20, "max_tokens": 6, "mask_id": 2},
    "video": {"type": "video_frames", "size": 16, "frames": 3, "patch": 8},
}


def one_input(modality: str, generator: torch.Generator) -> Inputs:
    """Random inputs of one item."""
    if modality == "image":
        return Inputs.single(torch.randint(0, 256, (3, 16, 16), generator=generator, dtype=torch.uint8), length=1)
    if modality == "video":
        frames = int(torch.randint(1, 4, (), generator=generator))
        return Inputs.single(torch.randint(0, 256, (frames, 3, 16, 16), generator=generator, dtype=torch.uint8))
    if modality == "audio":
        steps = int(torch.randint(5, 17, (), generator=generator))
        return Inputs.single(torch.randn(steps, 8, generator=generator))
    size = int(torch.randint(2, 7, (), generator=generator))
    extras = {"groups": torch.arange(size) // 3, "roles": torch.arange(size) % 3} if modality == "table" else {}
    return Inputs.single(torch.randint(3, 20, (size,), generator=generator), extras)


def make_batch(rows: list[tuple[str, ...]], seed: int = 0) -> Batch:
    """A batch of one item a row, each with the modalities named there; item i is the same in every batch."""
    items = []
    for number, names in enumerate(rows):
        generator = torch.Generator().manual_seed(seed + number)
        every = {m: one_input(m, generator) for m in MODALITIES}
        items.append({m: every[m] for m in names})
    return Batch(
        ids=tuple(str(i) for i in range(len(rows))),
        modalities=MODALITIES,
        present=torch.tensor([[m in item for m in MODALITIES] for item in items]),
        inputs={
            m: Inputs.stack([item[m] for item in items if m in item])
            for m in MODALITIES
            if any(m in item for item in items)
        },
        targets={"kind": torch.arange(len(rows)) % 3},
    )


@pytest.fixture
def batch():
    return make_batch


@pytest.fixture(params=["scale", "concat", "gated", "mean", "one_stream", "cross_attention", "bottleneck", "low_rank"])
def fusion(request):
    return request.param


@pytest.fixture
def backbone():
    def build(fusion: str = "scale", harmonizer: str = "graph", **switches: bool) -> Backbone:
        torch.manual_seed(0)
        layers = 2 if fusion == "bottleneck" else 1  # nothing crosses a bottleneck of one
        small = {"dim": DIM, "layers": 1, "heads": 2, "dropout": 0.0}
        return Backbone(
            encoders={m: ENCODERS.build(small | ENCODER[m]) for m in MODALITIES},
            fusion=FUSIONS.build({"type": fusion}, dim=DIM, modalities=MODALITIES, layers=layers, heads=2, dropout=0.0),
            harmonizer=HARMONIZERS.build({"type": harmonizer}, modalities=MODALITIES),
            features=DIM,
            **switches,
        )

    return build
