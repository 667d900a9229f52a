"""Embedding texts and pictures against sentence-transformers' encode: the same network, weights and items.

A BERT of the size of all-MiniLM-L6 and a small ViT, both with random weights and frozen; most texts are short, some are
long. Two runs are measured: one of the network alone, as ``products/pretrained`` has pictures and texts, and one that
also computes fixed statistics of its items, as the demo's configs do and the other library does not. Each embeds in two
ways, ``run.embed`` on items in memory and what ``m5kit embed`` does with a folder. The vectors must be equal, ours of
both ways to the bit, before anything is timed.

Run: OMP_NUM_THREADS=1 python benchmarks/encode.py [--items 512] [--rounds 3] [--only text]
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from _arguments import at_least
from _measure import compare
from PIL import Image

import m5kit
from m5kit.data.demo.make import make_demo
from m5kit.inference.trained_run import TrainedRun

WORDS = [f"w{number}" for number in range(2000)]
SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
CONFIG = """
_base_: [demo/contrast]
encoder_text: {{_replace_: true, type: hf_text, weights: {folder}/bert, trainable: none, output: pooled}}
encoder_image: {{_replace_: true, type: hf_image, weights: {folder}/vit, trainable: none, output: pooled}}
input_text: {{transform: {{_replace_: true, type: hf_tokenize, weights: {folder}/bert, max_tokens: 128}}}}
input_image: {{decoder: {{at_least: 224}}, transform: {{_replace_: true, type: image, size: 224}}}}
encoder_table: none
encoder_video: none
encoder_audio: none
schedule: {{max_steps: 1, batch_size: 8}}
data: {{workers: 0}}
evaluation: {{_replace_: true}}
"""
ALONE = "descriptor_image: none\ndescriptor_text: none\n"
GOAL = 1.0


def main() -> None:
    """Make the networks and the run, then compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=at_least(4), default=512)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--only", choices=("text", "image"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| items | computed | way | time over sentence-transformers' | at most {GOAL:.1f} |\n|:--|:--|:--|--:|:--|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save_networks(folder)
        make_demo(folder / "demo", items=48, seed=0, workers=1)
        items = {"text": texts(arguments.items), "image": pictures(folder, arguments.items // 4)}
        runs = {"the network alone": make_run(folder, ALONE), "with fixed statistics": make_run(folder, "")}
        for modality in [arguments.only] if arguments.only else items:
            for computed, run in runs.items():
                measure(run, computed, folder, modality, items[modality], arguments.rounds)


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


def make_run(folder: Path, without: str) -> m5kit.Run:
    """A run with both networks, trained for one step."""
    place = folder / f"run{len(without)}"
    place.with_suffix(".yaml").write_text(CONFIG.format(folder=folder) + without, encoding="utf-8")
    return m5kit.train(place.with_suffix(".yaml"), data=folder / "demo", run_dir=place, evaluate=False)


def texts(count: int) -> list[str]:
    """Most are short, some are long, as titles and descriptions are."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(2.7, 0.8, count), 3, 120).astype(int)
    return [" ".join(rng.choice(WORDS, length)) for length in lengths]


def pictures(folder: Path, count: int) -> list[str]:
    """JPEG of blurred noise at the size that the network reads, so that both sides see the same pixels."""
    rng = np.random.default_rng(0)
    paths = []
    (folder / "image").mkdir()
    for number in range(count):
        paths.append(str(folder / "image" / f"{number}.jpg"))
        coarse = Image.fromarray(rng.integers(0, 255, (14, 14, 3), dtype=np.uint8))
        coarse.resize((224, 224)).save(paths[-1], quality=90)
    return paths


def measure(run: m5kit.Run, computed: str, folder: Path, modality: str, items: Sequence[str], rounds: int) -> None:
    """Print the ratio of each of our ways."""
    asked = [{modality: item} for item in items]
    space = f"{modality}.given"
    theirs = reference(folder, modality, items)
    ours = {
        "run.embed": lambda: run.embed(asked, space=space),
        "m5kit embed": from_folder(run, folder, modality, items, space),
    }
    if not np.array_equal(*(way() for way in ours.values())):
        raise SystemExit("our two ways do not give the same bits")
    for name, way in ours.items():
        ratio = compare(theirs, way, rounds, same=lambda way=way: bool(np.allclose(theirs(), way(), atol=1e-5)))
        print(f"| {len(items)} {modality}s | {computed} | {name} | {ratio} | {ratio.verdict(GOAL)} |", flush=True)


def from_folder(
    run: m5kit.Run, folder: Path, modality: str, items: Sequence[str], space: str
) -> Callable[[], np.ndarray]:
    """What ``m5kit embed`` does with a folder of the same items, once the run is loaded."""
    data = folder / modality
    data.mkdir(exist_ok=True)
    rows = [
        {"id": f"{number:06d}", "split": "train", modality: item.removeprefix(f"{data}/")}
        for number, item in enumerate(items)
    ]
    (data / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    trained = TrainedRun.open(run.path, data=data)

    def embed() -> np.ndarray:
        found = trained.embed_items(None, None, space)
        assert found is not None
        return found.vectors

    return embed


def reference(folder: Path, modality: str, items: Sequence[str]) -> Callable[[], np.ndarray]:
    """sentence-transformers with the same network, the first token and unit length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    network = Transformer(str(folder / {"text": "bert", "image": "vit"}[modality]))
    model = SentenceTransformer(modules=[network, Pooling(SHAPE["hidden_size"], pooling_mode="cls")], device="cpu")
    options = {"batch_size": 64, "show_progress_bar": False, "normalize_embeddings": True}
    return lambda: model.encode(list(items), **options)


if __name__ == "__main__":
    main()
