"""The same texts give the same vocabulary, in every process."""

import os
import subprocess
import sys

from m5kit.data.transforms._vocabulary import Vocabulary

LEARN = """
import random
from m5kit.data.transforms._vocabulary import Vocabulary
draw = random.Random(0)
letters = "abcdefghij红色杯子大号陶瓷"
texts = [" ".join("".join(draw.choices(letters, k=draw.randint(1, 6))) for _ in range(6)) for _ in range(150)]
words = Vocabulary(300, None, True)
words.learn(texts)
print(words.state()["tokenizer"])
"""


def test_every_process_learns_the_same():
    learned = set()
    for seed, threads in (("0", "2"), ("1", "1"), ("random", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads}
        process = subprocess.run(
            [sys.executable, "-c", LEARN], capture_output=True, text=True, check=True, env=environment
        )
        learned.add(process.stdout)
    assert len(learned) == 1


def test_the_size_is_kept_to_and_what_occurs_once_is_not_merged():
    words = Vocabulary(12, None, True)
    words.learn(["ab ab ab cd"])
    assert words.facts()["vocabulary"] <= 12
    assert len(words.ids("ab")) == 1
    assert len(words.ids("cd")) > 1
