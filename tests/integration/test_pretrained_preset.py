"""The paper's architecture, whole: counted, and run forward and backward once."""

import pytest
import torch

from m5kit.engine.build import build_model, build_pipelines
from m5kit.engine.config import check_config, load_config
from m5kit.structures import Batch, Inputs

TOKENS = {"audio": 81, "image": 37, "table": 64, "text": 36, "video": 13}
BERT = "{model_type: bert, vocab_size: 21128, num_hidden_layers: 12}"


def block(width, hidden):
    """Parameters of a transformer block with biases and two norms."""
    return 4 * (width * width + width) + 2 * width * hidden + hidden + width + 4 * width


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The preset, with a small tokenizer and a BERT that begins at random in place of what would be downloaded."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.processors import BertProcessing
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tokenizer")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{i}" for i in range(200))]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return check_config(
        load_config(
            "presets/m5product",
            [
                f"input_text.transform.weights={folder}",
                f"input_table.transform.weights={folder}",
                f"encoder_text.weights={BERT}",
            ],
        )
    )


@pytest.fixture(scope="module")
def model(config):
    torch.manual_seed(0)
    transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
    return build_model(config, transforms, {})


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
def test_one_step_forward_and_backward_over_231_tokens(model):
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
    output = model.loss(batch, torch.Generator().manual_seed(0))
    output.loss.backward()
    assert torch.isfinite(output.loss)
    assert {key for key in output.logs if key.startswith("loss/")} >= {f"loss/masked_{m}" for m in TOKENS}
    still = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert still == []
