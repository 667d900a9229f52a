"""The closed sections of a config: their keys, types and defaults."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from m5kit.config.section import Section, Seed, UserPath
from m5kit.ranges import Amount, Count, Dropout, Natural, Positive, Share


class Data(Section):
    """Which items are read, and how missing and unreadable modalities are treated."""

    root: UserPath | None = None
    """Folder of the manifest; ``--data`` sets it."""
    manifest: str | None = None
    """File name within the root; empty for ``annotations.jsonl`` or ``annotations.parquet``, whichever there is."""
    source: dict[str, Any] | None = None
    """The dataset that the items come from, a ``type`` and its arguments; empty for a manifest."""
    train: Annotated[tuple[str, ...], Field(min_length=1)] = ("train",)
    """Splits to train on."""
    val: tuple[str, ...] | None = None
    """Splits that are looked at while training; empty for ``val`` where there is one."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the training items to train on, chosen by seed and id; a smaller share is a subset of a larger one."""
    complete_only: bool = False
    """Train only on items that have every modality of the run; a share is then a share of these."""
    missing_rate: Share = 0.0
    """Probability that a modality of a training item is permanently removed, by seed and id; one always remains."""
    label: str | None = None
    """The label that fine-tuning learns."""
    missing: Literal["mask", "zero"] = "mask"
    """``mask`` leaves absent modalities out, ``zero`` feeds zeros as the paper does."""
    dropout: Dropout = 0.0
    """Chance that a present modality is left out at a visit in training; the last one of an item never is."""
    noise: dict[str, Amount] | None = None
    """By modality, the most Gaussian noise in training, in deviations of an item's own values; mostly little of it."""
    follow_links: bool = False
    """Whether links in the data folder may lead out of it; those that ``m5kit data import`` made always may."""
    balance: Literal["none", "label"] = "none"
    """``label`` draws the classes of the label equally often in training, and items that lack the label never."""
    window: Count | None = None
    """How many shards are mixed at a time in training; empty mixes all. Without shards 1,000 items count as one."""
    accept_changes: bool = False
    """Whether ``--resume`` may go on with items that have changed since the run began; provenance.json says so then."""
    workers: Annotated[int, Field(ge=0, le=1024)] = 2
    """Processes that decode."""
    item_seconds: Positive | None = 60.0
    """Seconds that a worker may spend on one modality of an item before that modality fails; empty for no limit."""
    item_memory: Positive | None = 4.0
    """GiB that a worker may take beyond what it begins with, on Linux; what needs more fails. Empty for no limit."""
    max_failed: Share = 0.05
    """Share of unreadable media at which the run stops."""


class ModelSection(Section):
    """The widths that all parts share."""

    dim: Count = 96
    """Width d of tokens."""
    features: Count = 96
    """Width h of contrastive features."""
    vector: Count | None = None
    """Width to which the reading of each modality is brought by a learned linear map; empty leaves it as it is read."""
    common: Count | None = None
    """Directions in which the fixed statistics of modalities agree that stand in an item's vector; empty for none."""
    projection: Literal["mlp", "linear_relu"] = "mlp"
    """What makes contrastive features of a modality's vector; ``linear_relu`` is SCALE's and is never negative."""
    share: tuple[tuple[str, ...], ...] = ()
    """Groups of modalities whose encoders share one stack, that of the first one named."""


class Weighting(Section):
    """Where the harmonizer's weights are used (Table 6 of the SCALE paper)."""

    pairs: bool = True
    tasks: bool = True
    pooling: bool = True
    pairs_from: Literal["encoded", "fused"] = "encoded"
    """What the weights of pairs are computed from: features before the fusion, or pooled vectors after it."""
    tasks_from: Literal["encoded", "fused"] = "fused"
    """The same for the weights of masked tasks."""


class Schedule(Section):
    """Length of the training, batches, learning rate and precision."""

    max_steps: Count = 600
    minutes: Positive | None = None
    """Length of the run by the clock; such a run is not the same on another machine. ``max_steps`` written over it
    takes its place."""
    epochs: Positive | None = None
    """Passes over the training items that end a run which is not over by then; ``max_steps`` over it replaces it."""
    batch_size: Count = 32
    tokens: Count | None = None
    """Most tokens of a batch over all its modalities, in place of ``batch_size``: it then has as many items as fit."""
    lr: Positive = 5e-4
    warmup: Share = 0.1
    """Share of the steps in which the learning rate rises."""
    decay: str | dict[str, Any] = "cosine"
    """The schedule of the learning rate after the warm-up: its name, or a ``type`` and its arguments."""
    weight_decay: Amount = 0.01
    clip: Positive | None = 1.0
    """Largest global norm of the gradient; empty for none."""
    accumulate: Count = 1
    """Batches whose gradients make one step."""
    chunk: Count | None = None
    """Most items that are in memory with all their activations; tasks still compare those of the whole step."""
    precision: Literal["fp32", "bf16"] = "fp32"
    bf16_on_cpu: bool = False
    """Compute in bf16 on a CPU too, where that is several times slower unless it has instructions for it."""
    compile: bool = False
    """Whether torch compiles the transformer blocks of encoders and fusion, which takes minutes once."""


class Parallel(Section):
    """What several processes, started by a launcher such as torchrun, do together."""

    timeout: Positive = 600.0
    """Seconds after which a process that the others wait for in a step is given up, and the run with it."""
    shard: bool = False
    """Whether each process holds pieces of encoders, fusion and heads, and of the optimizer's state, not copies."""


class Checkpoint(Section):
    """How often a run saves checkpoints, and how many stay."""

    every_steps: Count = 200
    keep: Count = 2
    """How many of the latest checkpoints stay."""
    best: str | None = None
    """A held-out value such as ``val/knn/kind``; the checkpoint with the best one stays too, and is what is used."""


class Logging(Section):
    """How often a run logs."""

    every_steps: Count = 20


class Validation(Section):
    """How a run is looked at on its way."""

    every_steps: Natural | None = None
    """Distance of the looks; empty for a tenth of the run, 0 for none."""
    items: Count = 512
    """How many held-out items are looked at, at most."""
    label: str | None = None
    """The label that neighbours should share; empty for the one that most items share with another."""


class Init(Section):
    """The weights to start from."""

    run: UserPath | None = None
    """Run folder whose backbone the new run starts from."""
    model: Literal["config", "run"] = "config"
    """Whose encoders, inputs, fusion and widths are used; ``run`` takes those of that run, whatever the config says."""


class Finetune(Section):
    """What fine-tuning asks of the head beside the label of whole items."""

    alone: Amount = 1.0
    """Weight of the loss of each modality alone beside that of all modalities together; 0 leaves it out."""
    vectors: bool = False
    """Whether the head also reads the public vectors, with the fixed statistics that no training changes."""


class Plugins(Section):
    """Which plugins the run may use; only the user's own config and the command line may set it."""

    allow: tuple[str, ...] | None = None
    """Names of distributions; empty for all that ``M5KIT_PLUGINS`` allows."""
    local: tuple[str, ...] = ()
    """Files that register parts, relative to the config; ``plugins: [./mine.py]`` is short for it."""


SECTIONS: Mapping[str, type[Section]] = {
    "data": Data,
    "model": ModelSection,
    "weighting": Weighting,
    "schedule": Schedule,
    "checkpoint": Checkpoint,
    "parallel": Parallel,
    "logging": Logging,
    "validation": Validation,
    "init": Init,
    "finetune": Finetune,
    "plugins": Plugins,
}

SCALARS: Mapping[str, Any] = {
    "name": str,
    "mode": Literal["pretrain", "finetune"],
    "seed": Seed,
    "freeze": tuple[str, ...],
    "rates": dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]],
}
"""Top-level keys that hold one value; ``name`` is set from the file's place if the config does not.

``freeze`` names parts that do not learn, ``rates`` factors of the learning rate by part.
"""

PARTS = ("fusion", "harmonizer", "balancer", "head", "optimizer")
LEARNING_PARTS = ("fusion", "harmonizer", "balancer", "head")
"""Parts with parameters that ``freeze`` and ``rates`` may name, beside every ``encoder_*`` and ``task_*``."""
NESTED = ("source", "decay", "noise")
"""Keys of sections that hold a mapping whose own keys can be set: the arguments of a part, amounts by modality."""
FAMILIES_BY_KEY = ("input", "encoder", "descriptor", "readout", "task")
"""Keys that are followed by a modality or a name: ``encoder_<modality>``, ``task_<name>``."""
TABLES: Mapping[str, str] = {"hooks": "hooks", "evaluation": "metrics"}
"""Keys that hold several parts by name, and the family of those."""

ORDER = (
    *("name", "mode", "seed", "plugins", "init", "data", "input_", "model"),
    *("encoder_", "descriptor_", "readout_", "fusion", "harmonizer", "weighting"),
    *("task_", "balancer", "head", "finetune", "freeze", "rates"),
    *("optimizer", "schedule", "checkpoint", "parallel", "logging", "validation", *TABLES),
)
"""The order in which a resolved config is written: the flow of data."""


def defaults() -> dict[str, Any]:
    """The values that every config starts with."""
    sections = {key: section().model_dump(mode="json") for key, section in SECTIONS.items()}
    return {"mode": "pretrain", "seed": 0, "freeze": [], "rates": {}, **sections}


def is_known(key: str) -> bool:
    """Whether a config may have ``key`` at its top.

    Example:
        >>> is_known("encoder_image"), is_known("encoders"), is_known("shedule")
        (True, False, False)
    """
    family, _, name = key.partition("_")
    return key in (*SECTIONS, *SCALARS, *PARTS, *TABLES) or (family in FAMILIES_BY_KEY and bool(name))


def rank(key: str) -> int:
    """Position of a top-level key in a resolved config."""
    for position, word in enumerate(ORDER):
        if key == word or (word.endswith("_") and key.startswith(word)):
            return position
    return len(ORDER)  # an unknown key stays, so that the check can report it
