"""How much cheaper a step gets as modalities go missing: forward and backward of five encoders and SCALE's fusion.

Three arms with the same weights, on random inputs of varying length with the sizes of the demo set:

  packed   encoders see the items that have the modality, dense layers see real tokens only: what m5kit does
  padded   the same items, but every layer computes the padding as well
  imputed  zero imputation, as in the paper: every item has every modality at full length, zeros where it is missing

The ceiling is how many times more tokens imputed has: what skipping them could save if nothing else took time.
Packed and padded must have the same loss before anything is timed; imputed computes something else by design. Blocks of
steps alternate between the arms (A B C C B A), and the median block counts; packed against itself is the noise floor.
The clock is the processor time of this process, which other jobs on the machine hardly disturb; on one thread it is the
time a step takes on an idle machine.

Run: python benchmarks/missing.py [--batch 32] [--json]
"""

import argparse
import json
import statistics
import time
from dataclasses import replace

import torch
from _arguments import at_least

from m5kit.nn.transformer import TransformerStack
from m5kit.registry import ENCODERS, FUSIONS
from m5kit.structures import Inputs, Tokens

WORDS = {"vocabulary": 1000, "mask_id": 2}
ENCODER_CONFIGS = {
    "audio": {"type": "audio_patches", "mels": 64, "steps": 150},
    "image": {"type": "image_patches", "size": 64},
    "table": {"type": "table_properties", "max_tokens": 32, **WORDS},
    "text": {"type": "text_tokens", "max_tokens": 24, **WORDS},
    "video": {"type": "video_frames", "size": 48, "frames": 8},
}
NAMES = tuple(ENCODER_CONFIGS)
LONGEST = {"audio": 150, "image": 1, "table": 32, "text": 24, "video": 8}


def build(dim, layers):
    """The model: encoders by modality, and the fusion."""
    torch.manual_seed(0)
    common = {"dim": dim, "layers": layers, "dropout": 0.0}
    encoders = torch.nn.ModuleDict({name: ENCODERS.build({**ENCODER_CONFIGS[name], **common}) for name in NAMES})
    return torch.nn.ModuleDict(
        {"encoders": encoders, "fusion": FUSIONS.build({"type": "scale", "modalities": NAMES, "heads": 4, **common})}
    )


def random_inputs(name, items, generator):
    """Inputs of every item; lengths are uniform between half and the whole of the longest."""
    longest = LONGEST[name]
    lengths = torch.randint((longest + 1) // 2, longest + 1, (items,), generator=generator)
    if name == "image":
        values = torch.randint(0, 256, (items, 3, 64, 64), dtype=torch.uint8, generator=generator)
    elif name == "video":
        values = torch.randint(0, 256, (items, longest, 3, 48, 48), dtype=torch.uint8, generator=generator)
    elif name == "audio":
        values = torch.randn(items, longest, 64, generator=generator)
    else:
        values = torch.randint(3, 1000, (items, longest), generator=generator)
    groups = torch.arange(longest).div(4, rounding_mode="floor").expand(items, -1)
    roles = torch.tensor([1, 2, 2, 2]).repeat(longest // 4 + 1)[:longest].expand(items, -1)
    return Inputs(values, lengths, {"groups": groups, "roles": roles} if name == "table" else {})


def draw_presence(items, missing, generator):
    """Mask ``b m``; each modality is missing at this rate, but nobody is without any."""
    present = torch.rand(items, len(NAMES), generator=generator) >= missing
    present[torch.arange(items), torch.randint(len(NAMES), (items,), generator=generator)] |= ~present.any(1)
    return present


def select(name, inputs, rows):
    """The present items, padded to the longest of them."""
    size = inputs.values.shape[1] if name == "image" else int(inputs.lengths[rows].max())
    extras = {key: extra[rows, :size] for key, extra in inputs.extras.items()}
    return replace(inputs, values=inputs.values[rows, :size], lengths=inputs.lengths[rows], extras=extras)


def impute(name, inputs, present):
    """Every item at full length; zeros for those without the modality, and past the end of those with it."""
    full = torch.full_like(inputs.lengths, LONGEST[name])
    shape = (-1, *[1] * (inputs.values.dim() - 1))
    return replace(inputs, values=inputs.values * present.view(shape).to(inputs.values.dtype), lengths=full)


def step(model, parts, rows, items, weights):
    """Loss of one step, after its backward pass."""
    tokens = {}
    for name, inputs in parts.items():
        encoded = model["encoders"][name](inputs)
        tokens[name] = Tokens(encoded.values, encoded.lengths).scatter(rows[name], items)
    fused = model["fusion"](tokens, weights)
    loss = fused.embedding.square().mean() + sum(part.values.square().sum() for part in fused.tokens.values()) / items
    model.zero_grad()
    loss.backward()
    return loss.detach()


def set_packed(model, packed):
    """Switch between the packed computation and its padded reference."""
    for module in model.modules():
        if isinstance(module, TransformerStack):
            module.packed = packed


def count_tokens(model, parts):
    """Tokens that the transformers see, the summaries counted."""
    lengths = [model["encoders"][name].observe(inputs).lengths for name, inputs in parts.items()]
    return sum(int(length.sum()) + len(length) for length in lengths)


def make_arms(model, items, missing):
    """One function an arm, and how many times more tokens the imputed one has."""
    generator = torch.Generator().manual_seed(1)
    present = draw_presence(items, missing, generator)
    inputs = {name: random_inputs(name, items, generator) for name in NAMES}
    rows = {name: present[:, i].nonzero().squeeze(1) for i, name in enumerate(NAMES)}
    chosen = {name: select(name, inputs[name], rows[name]) for name in NAMES if len(rows[name])}
    imputed = {name: impute(name, inputs[name], present[:, i]) for i, name in enumerate(NAMES)}
    everyone = dict.fromkeys(NAMES, torch.arange(items))
    weights = present / present.sum(1, keepdim=True)

    def run(packed, parts, rows, weights):
        set_packed(model, packed)
        return step(model, parts, rows, items, weights)

    arms = {
        "packed": lambda: run(True, chosen, rows, weights),
        "padded": lambda: run(False, chosen, rows, weights),
        "imputed": lambda: run(True, imputed, everyone, torch.full_like(weights, 1 / len(NAMES))),
        "packed again": lambda: run(True, chosen, rows, weights),
    }
    return arms, count_tokens(model, imputed) / count_tokens(model, chosen)


def compare(arms, rounds, steps):
    """Median processor milliseconds of a step by arm.

    Raises:
        SystemExit: the packed and the padded arm do not compute the same.
    """
    packed, padded = arms["packed"](), arms["padded"]()
    if not torch.allclose(packed, padded, rtol=1e-5):
        raise SystemExit(f"packed and padded do not compute the same: {packed} and {padded}")
    times = {name: [] for name in arms}
    for turn in range(rounds):
        for name in list(arms) if turn % 2 else reversed(arms):
            started = time.process_time()
            for _ in range(steps):
                arms[name]()
            times[name].append(1000 * (time.process_time() - started) / steps)
    return {name: statistics.median(blocks) for name, blocks in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=at_least(1), default=1)
    parser.add_argument("--batch", type=at_least(1), default=32)
    parser.add_argument("--dim", type=at_least(1), default=96)
    parser.add_argument("--layers", type=at_least(1), default=2)
    parser.add_argument("--rounds", type=at_least(1), default=8)
    parser.add_argument("--steps", type=at_least(1), default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = build(arguments.dim, arguments.layers)
    results = {}
    for missing in (0.0, 0.2, 0.4, 0.6):
        arms, ceiling = make_arms(model, arguments.batch, missing)
        results[missing] = {**compare(arms, arguments.rounds, arguments.steps), "ceiling": ceiling}
    if arguments.json:
        print(json.dumps(results))
        return
    print("missing  packed ms  padded/packed  imputed/packed  ceiling  step against nothing missing  noise")
    for missing, row in results.items():
        packed = row["packed"]
        print(
            f"{missing:7.0%}  {packed:9.1f}  {row['padded'] / packed:13.2f}  {row['imputed'] / packed:14.2f}  "
            f"{row['ceiling']:7.2f}  {packed / results[0.0]['packed']:28.2f}  {row['packed again'] / packed:5.2f}"
        )


if __name__ == "__main__":
    main()
