"""The paper's architecture and the released code's, whole: counted, and run forward and backward once."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from m5kit.assembly.model import build_model, build_pipelines
from m5kit.assembly.table import describe_model
from m5kit.config import check_config, load_config
from m5kit.data.dataset import ManifestDataset
from m5kit.data.importers.m5product import M5Product, import_m5product
from m5kit.data.manifest import read_manifest
from m5kit.data.sampler import Draw
from m5kit.structures import Batch, Inputs

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "m5product-preset.md"
TOKENS = {"audio": 81, "image": 37, "table": 64, "text": 36, "video": 13}
BERT = "{model_type: bert, vocab_size: 21128, num_hidden_layers: 12}"


def block(width, hidden):
    """Parameters of a transformer block with biases and two norms."""
    return 4 * (width * width + width) + 2 * width * hidden + hidden + width + 4 * width


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """A small tokenizer, and a BERT that begins at random, in place of what would be downloaded."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import BertProcessing
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tokenizer")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{i}" for i in range(200))]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    paths = [f"input_{m}.transform.weights={folder}" for m in ("text", "table")]
    return [*paths, f"encoder_text.weights={BERT}"]


@pytest.fixture(scope="module")
def preset(offline):
    """Builds a leaf; the numbers of a model that is only counted are not made."""

    def build(leaf):
        config = check_config(load_config(leaf, offline))
        torch.manual_seed(0)
        transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
        return build_model(config, transforms, {})

    return build


@pytest.fixture(scope="module")
def model(preset):
    return preset("presets/m5product")


@pytest.fixture(scope="module")
def released(preset):
    return preset("presets/m5product_released")


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.slow
def test_parameters_are_those_of_the_paper(model):
    encoders = model.backbone.encoders
    counts = {m: sum(p.numel() for p in encoders[m].parameters()) for m in TOKENS}
    words = (21128 + 512 + 2) * 768 + 2 * 768
    assert counts["text"] == counts["table"] == words + 6 * block(768, 3072)
    stack = 6 * block(768, 1024) + 2 * 768
    assert counts["image"] == stack + (2048 + 1) * 768 + (5 + 1) * 768
    assert counts["video"] == stack + (1024 + 1) * 768 + 13 * 768
    assert counts["audio"] == stack + (751 + 1) * 768 + 81 * 768
    fusion = sum(p.numel() for p in model.backbone.fusion.parameters())
    assert fusion == 6 * block(768, 3072) + 512 * 768 + 5 * 768
    assert sum(p.numel() for p in model.backbone.projections.parameters()) == 5 * (768 + 1) * 1024


@pytest.mark.slow
def test_three_stacks_are_those_of_the_released_code(model, released):
    """42.5 M + 23.6 M + 23.6 M, word embeddings once; nothing else shrinks but the modality vectors."""
    five, three = model.backbone.encoders, released.backbone.encoders
    assert three["table"].backbone is three["text"].backbone
    assert three["video"].stack is three["image"].stack
    words = (21128 + 512 + 2) * 768 + 2 * 768
    large, small = 6 * block(768, 3072), 6 * block(768, 1024)
    assert (round(large / 1e6, 1), round(small / 1e6, 1), round(words / 1e6, 1)) == (42.5, 23.6, 16.6)
    assert count(five) - count(three) == large + small + words
    own = sum(count(three[m].project) for m in ("image", "video", "audio")) + count(three["image"].place)
    places = sum(three[m].positions.numel() for m in ("video", "audio")) + 3 * 2 * 768
    assert count(three) == large + 2 * small + words + own + places


@pytest.mark.slow
def test_the_whole_is_what_the_specification_counts(model, released):
    """162 M and 228 M: there, text and table have word embeddings in common, and one head of ids that reuses them."""
    ids = 768 * 768 + 768 + 2 * 768 + 21128
    words = (21128 + 512 + 2) * 768 + 2 * 768
    for each, embeddings, wanted in ((released, 0, 162), (model, words, 228)):
        heads = sum(count(each.tasks[f"masked_{m}"]) for m in ("image", "video", "audio")) + ids
        ours = count(each.backbone.items)  # what a fusion may add to an item's vector; the paper has no such thing
        assert round((count(each.backbone) - ours - embeddings + heads) / 1e6) == wanted


@pytest.mark.slow
def test_the_docs_count_the_same_parameters(model, released):
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z ,]+) \| ([\d.]+ \| [\d.]+) \|$", text, re.MULTILINE))
    words = (21128 + 512 + 2) * 768 + 2 * 768
    for column, each in enumerate((model, released)):
        encoders = each.backbone.encoders
        stacks = {id(e.stack): e.stack for e in (encoders[m] for m in ("image", "video", "audio"))}
        networks = {id(encoders[m].backbone): encoders[m].backbone for m in ("text", "table")}
        counted = {
            "stacks": sum(map(count, (*stacks.values(), *networks.values()))) - len(networks) * words,
            "word embeddings": len(networks) * words,
            "fusion": count(each.backbone.fusion),
            "contrastive projections": count(each.backbone.projections),
            "heads of the masked tasks": count(each.tasks) + 2 * (21128 - 205) * (768 + 1),
        }
        counted["projections of regions, clips and bands, places"] = (
            count(encoders) - counted["stacks"] - counted["word embeddings"]
        )
        assert {name: float(row.split(" | ")[column]) for name, row in rows.items()} == {
            name: round(number / 1e6, 1) for name, number in counted.items()
        }


def test_the_check_counts_shared_stacks_once(offline):
    counts = {
        leaf: {row[0]: row[2] for row in describe_model(check_config(load_config(leaf, offline)))}
        for leaf in ("presets/m5product", "presets/m5product_released")
    }
    saved = sum(counts["presets/m5product"].values()) - sum(counts["presets/m5product_released"].values())
    shared = 6 * block(768, 3072) + 6 * block(768, 1024) + (21128 + 512 + 4) * 768
    assert saved == shared + 5 * 768  # the modality vectors


def words_of(column):
    """What the docs' table tells a user to set, in one column; ``task_masked_*`` stands for all five."""
    cells = [line.split("|")[3:5] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.count("|") == 5]
    words = [word for row in cells for word in re.findall(r"`([\w.*]+=[^`]+)`", row[column])]
    return [word.replace("*", m) for word in words for m in (TOKENS if "*" in word else [""])]


def test_the_docs_table_makes_the_released_leaf():
    changed = load_config("presets/m5product", words_of(1)).values
    leaf = load_config("presets/m5product_released").values
    assert {key: value for key, value in changed.items() if key != "name"} == {
        key: value for key, value in leaf.items() if key != "name"
    }


def test_the_docs_table_names_what_the_paper_has():
    words = words_of(0)
    assert len(words) >= 15
    check_config(load_config("presets/m5product", words))


def test_the_released_leaf_goes_on_without_a_modality():
    config = check_config(load_config("presets/m5product_released", ["encoder_table=none", "encoder_audio=none"]))
    assert config.model.share == (("image", "video"),)


@pytest.mark.slow
@pytest.mark.parametrize("leaf", ["model", "released"])
def test_one_step_forward_and_backward_over_231_tokens(leaf, request):
    model = request.getfixturevalue(leaf)
    lengths = {m: torch.tensor([n - 1, n - 1]) for m, n in TOKENS.items()}
    ids = {m: torch.randint(5, 205, (2, TOKENS[m] - 1)) for m in ("text", "table")}
    groups = torch.arange(63).div(4, rounding_mode="floor").expand(2, -1)
    roles = torch.tensor([1, 0, 2, 0]).repeat(16)[:63].expand(2, -1)
    inputs = {
        "text": Inputs(ids["text"], lengths["text"]),
        "table": Inputs(ids["table"], lengths["table"], {"groups": groups, "roles": roles}),
        "image": Inputs(torch.rand(2, 36, 2053), lengths["image"]),
        "video": Inputs(torch.randn(2, 12, 1024), lengths["video"]),
        "audio": Inputs(torch.randn(2, 80, 751), lengths["audio"]),
    }
    batch = Batch(("a", "b"), tuple(sorted(TOKENS)), torch.ones(2, 5, dtype=torch.bool), inputs)
    view = model.backbone(batch)
    assert {m: tokens.lengths.tolist() for m, tokens in view.fused.tokens.items()} == {
        m: [n, n] for m, n in TOKENS.items()
    }
    assert sum(TOKENS.values()) == 231
    assert view.features.shape == (2, 5, 1024)
    output = model.loss(batch, 0)
    output.loss.backward()
    assert torch.isfinite(output.loss)
    assert {key for key in output.logs if key.startswith("loss/")} >= {f"loss/masked_{m}" for m in TOKENS}
    still = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    # no task of the preset teaches the fusion what to add to items
    assert still == ["backbone.items.gate", "backbone.items.addition.weight"]


def region_row(name, count):
    """A line of a region TSV: boxes in pixels of a picture of 200 by 100."""
    rng = np.random.default_rng(count)
    corner = rng.uniform(0, 0.5, (count, 2)) * [200, 100]
    boxes = np.concatenate([corner, corner + np.array([100, 50])], axis=1).astype("<f4")
    codes = [base64.b64encode(a.tobytes()).decode() for a in (boxes, rng.random((count, 2048)).astype("<f4"))]
    return "\t".join([name, "200", "100", str(count), *codes, "title"])


def test_imported_features_are_what_the_presets_read(offline, tmp_path):
    """From files of the release's form to an encoder's inputs; a film of 20 seconds, a picture with 20 regions."""
    records = {n: {"title": "word1 word2", "label": "x", "pv": "word3#:#word4", "url": "u"} for n in ("1", "2")}
    (tmp_path / "meta.json").write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "regions.tsv").write_text("\n".join([region_row("1", 36), region_row("2", 20)]), encoding="utf-8")
    rng = np.random.default_rng(0)
    for name, shape in (("film", (20, 1024)), ("sound", (80, 751))):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "1.npy", rng.random(shape).astype(np.float16 if name == "film" else np.float32))
    parts = M5Product(
        tmp_path / "meta.json",
        regions=[tmp_path / "regions.tsv"],
        features={"video": tmp_path / "film", "audio": tmp_path / "sound"},
    )
    import_m5product(parts, tmp_path / "out")
    samples = {sample.id: sample for sample in read_manifest(tmp_path / "out")}
    read = {}
    for leaf in ("presets/m5product", "presets/m5product_released"):
        pipelines = build_pipelines(check_config(load_config(leaf, offline)))
        dataset = ManifestDataset(samples=list(samples.values()), root=tmp_path / "out", pipelines=pipelines)
        read[leaf] = {item.id: item for item in (dataset[Draw(i, i)] for i in range(2))}
    whole, less = (read["presets/m5product"][n].inputs for n in ("1", "2"))
    assert {m: tuple(part.values.shape) for m, part in whole.items()} == {
        "audio": (80, 751), "image": (36, 2053), "table": (4,), "text": (2,), "video": (12, 1024),
    }  # fmt: skip
    assert 0 <= whole["image"].values[:, 2048:].min() < whole["image"].values[:, 2048:].max() <= 1
    assert less["image"].values.shape == (20, 2053)
    released = read["presets/m5product_released"]
    assert released["1"].inputs["table"].values.shape == (2,)
    assert "20 features, expected at least transform.min_tokens=36" in released["2"].failures[0].reason
