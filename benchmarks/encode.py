"""Throughput of ``run.embed`` against sentence-transformers' ``encode`` with the same network, weights and inputs.

A BERT and a ViT with random weights; texts have very different lengths. m5kit computes more than the other: fixed
statistics, contrastive features, the fusion. Processor time of one thread, in blocks A B B A; calls of even number
against those of odd number give the noise.

Run: OMP_NUM_THREADS=1 python benchmarks/encode.py [--items 512] [--rounds 4] [--only text]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import m5kit
from m5kit.data.demo.make import make_demo

WORDS = [f"w{number}" for number in range(2000)]
SHAPE = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
CONFIG = """
_base_: [demo/contrast]
encoder_text: {{_replace_: true, type: hf_text, weights: {folder}/bert, trainable: all}}
encoder_image: {{_replace_: true, type: hf_image, weights: {folder}/vit, hides: output, trainable: all}}
input_text: {{transform: {{_replace_: true, type: hf_tokenize, weights: {folder}/bert, max_tokens: 128}}}}
input_image: {{decoder: {{at_least: 224}}, transform: {{_replace_: true, type: image, size: 224}}}}
encoder_table: none
encoder_video: none
encoder_audio: none
model: {{dim: 256}}
schedule: {{max_steps: 1, batch_size: 8}}
data: {{workers: 0}}
evaluation: {{_replace_: true}}
"""


def save_networks(folder: Path) -> None:
    """A BERT with its tokenizer and a ViT with its processor."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, ViTConfig, ViTImageProcessor, ViTModel

    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    known = {word: number for number, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{word[1:-1].lower()}_token": word for word in special}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder / "bert")
    BertModel(BertConfig(vocab_size=len(known), **SHAPE)).save_pretrained(folder / "bert")
    ViTModel(ViTConfig(image_size=224, patch_size=32, **SHAPE)).save_pretrained(folder / "vit")
    ViTImageProcessor(size={"height": 224, "width": 224}).save_pretrained(folder / "vit")


def make_run(folder: Path) -> m5kit.Run:
    """A run with both networks, trained for one step."""
    make_demo(folder / "demo", items=48, seed=0, workers=1)
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    return m5kit.train(folder / "config.yaml", data=folder / "demo", run_dir=folder / "run", evaluate=False)


def texts(count: int) -> list[str]:
    """Most are short, some are long, as titles and descriptions are."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(2.7, 0.8, count), 3, 120).astype(int)
    return [" ".join(rng.choice(WORDS, length)) for length in lengths]


def pictures(count: int) -> list[Image.Image]:
    """Noise at the size that the network reads."""
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (224, 224, 3), dtype=np.uint8)) for _ in range(count)]


def other(folder: Path, modality: str) -> Callable[[Sequence[Any]], Any]:
    """sentence-transformers with the same network and the mean of its tokens."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    network = Transformer(str(folder / {"text": "bert", "image": "vit"}[modality]))
    pooling = Pooling(network.get_word_embedding_dimension() if modality == "text" else SHAPE["hidden_size"])
    model = SentenceTransformer(modules=[network, pooling] if modality == "text" else [network], device="cpu")
    return lambda items: model.encode(list(items), batch_size=64, show_progress_bar=False)


def seconds(call: Callable[[], Any]) -> float:
    """Processor time of a call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def compare(run: m5kit.Run, folder: Path, modality: str, items: Sequence[Any], rounds: int) -> None:
    """Print items a second of both, their ratio, and the ratio of equal halves."""
    encode = other(folder, modality)
    asked = [{modality: item} for item in items]

    def ours() -> Any:
        return run.embed(asked, batch_size=64, space=modality)

    def theirs() -> Any:
        return encode(items)

    ours(), theirs()
    mine: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        mine.append(seconds(ours))
        others += [seconds(theirs), seconds(theirs)]
        mine.append(seconds(ours))
    a, b = statistics.median(mine), statistics.median(others)
    noise = max(sum(each[::2]) / sum(each[1::2]) for each in (mine, others))
    print(
        f"{modality}: run.embed {len(items) / a:.0f} items/s, sentence-transformers {len(items) / b:.0f} items/s; "
        f"time ratio {a / b:.2f}, equal halves differ by {abs(noise - 1):.2f}"
    )


def main() -> None:
    """Make the networks and the run, then compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--only", choices=("text", "image"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save_networks(folder)
        run = make_run(folder)
        for modality, make in (("text", texts), ("image", pictures)):
            if arguments.only in (None, modality):
                compare(run, folder, modality, make(arguments.items), arguments.rounds)


if __name__ == "__main__":
    main()
