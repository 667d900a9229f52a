"""What the dictionary of patches costs: statistics of pictures, clips and sounds with it and without it.

Sizes and numbers of atoms are those of the configs. The dictionary is that of the items which are then measured.

Run: OMP_NUM_THREADS=1 python benchmarks/descriptors.py [--rounds 9]
"""

import argparse
import time
from collections.abc import Callable, Mapping

import torch
from _arguments import at_least
from _measure import compare

from m5kit.api import Descriptor, Inputs
from m5kit.descriptors.pixels import PixelsDescriptor
from m5kit.descriptors.spectrum import SpectrumDescriptor

ITEMS = 32
"""Of a batch."""


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(1), default=9)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print("| items | ms an item without | with | time with over without | noise |\n|:--|--:|--:|--:|--:|")
    for name, (build, inputs) in cases().items():
        atoms = 128 if name == "sound" else 64
        print(f"| {name} | {row(fitted(build(0), inputs), fitted(build(atoms), inputs), inputs, rounds)} |")


def row(without: Descriptor, using: Descriptor, inputs: Inputs, rounds: int) -> str:
    """The cells of a batch."""
    ratio = compare(lambda: without(inputs), lambda: using(inputs), rounds)
    return f"{cost(without, inputs):.2f} | {cost(using, inputs):.2f} | {ratio.value:.2f} | {ratio.noise:.0%}"


def cases() -> Mapping[str, tuple[Callable[[int], Descriptor], Inputs]]:
    """By name, what builds a descriptor of so many atoms, and a batch."""
    torch.manual_seed(0)
    clips, one = torch.randint(0, 256, (ITEMS, 12, 3, 64, 64), dtype=torch.uint8), torch.ones(ITEMS, dtype=torch.int64)
    found: dict[str, tuple[Callable[[int], Descriptor], Inputs]] = {}
    for size in (64, 96, 224):
        pictures = torch.randint(0, 256, (ITEMS, 3, size, size), dtype=torch.uint8)
        found[f"picture of {size} pixels"] = (lambda atoms: PixelsDescriptor(atoms=atoms), Inputs(pictures, one))
    found["clip of 64 pixels"] = (lambda atoms: PixelsDescriptor(atoms=atoms), Inputs(clips, 12 * one))
    sounds = Inputs(torch.randn(ITEMS, 300, 64), 300 * one)
    return found | {"sound": (lambda atoms: SpectrumDescriptor(mels=64, atoms=atoms), sounds)}


def fitted(descriptor: Descriptor, inputs: Inputs) -> Descriptor:
    """The same, once it has seen a corpus."""
    if descriptor.studies:
        descriptor.study(descriptor.pieces(inputs))
    descriptor.fit(descriptor.measure(inputs))
    return descriptor


def cost(descriptor: Descriptor, inputs: Inputs) -> float:
    """Milliseconds of processor time of an item."""
    began = time.process_time()
    for _ in range(5):
        descriptor(inputs)
    return 1e3 * (time.process_time() - began) / 5 / ITEMS


if __name__ == "__main__":
    main()
