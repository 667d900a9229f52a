"""What it costs to load a run and embed a text from a cold Python, against importing torch alone.

Processor time of fresh processes, in turns A B B A; torch against itself gives the noise. The bytecode of m5kit is
cached, as it is once it is installed.

Run: OMP_NUM_THREADS=1 python benchmarks/python_load.py RUN [--rounds 5]
"""

import argparse
import statistics

from _arguments import at_least
from _measure import of_a_process

import m5kit

TORCH = "import torch"
LOAD = "import m5kit; run = m5kit.load({run!r})"
TEXT = {"text": "a red mug"}
EMBED = LOAD + f"; run.embed([{{{TEXT}}}])"


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder of a run that reads text")
    parser.add_argument("--rounds", type=at_least(1), default=5)
    arguments = parser.parse_args()
    m5kit.load(arguments.run).embed([TEXT])  # here first, where a mistake is one sentence
    load, embed = LOAD.format(run=arguments.run), EMBED.format(run=arguments.run)
    for code in (TORCH, embed):  # bytecode and the file system's cache
        of_a_process(["-c", code])
    first, second, loaded, embedded = [], [], [], []
    for _ in range(arguments.rounds):
        first.append(of_a_process(["-c", TORCH]))
        embedded.append(of_a_process(["-c", embed]))
        loaded.append(of_a_process(["-c", load]))
        second.append(of_a_process(["-c", TORCH]))
    torch = statistics.median([*first, *second])
    print(f"import torch: {torch:.2f} s; the second half against the first: {sum(second) / sum(first):.2f}")
    print(f"m5kit.load: {statistics.median(loaded) - torch:.2f} s more")
    print(f"m5kit.load and one text embedded: {statistics.median(embedded) / torch:.2f} times import torch")


if __name__ == "__main__":
    main()
