"""Texts and tables through transformers' text networks."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.data.transforms.hf_tokenize import HFProperties, HFTokenize
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.pretrained import lengths
from m5kit.structures import Inputs

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":", ";", "red", "mug", "large", "colour", "size", "38"]
FACTS = {"vocabulary": 30, "max_tokens": 10, "mask_id": 4, "start_id": 2, "end_id": 3}


def tokenizer(words=WORDS):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import BertProcessing
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = BertPreTokenizer()
    made.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


@pytest.fixture(scope="session")
def bert(checkpoint):
    return checkpoint("bert", tokenizer())


def texts(*rows):
    size = max(map(len, rows))
    return Inputs(
        torch.tensor([[*row, *[0] * (size - len(row))] for row in rows]), torch.tensor([len(r) for r in rows])
    )


def test_a_saved_network_reads_what_it_reads_in_its_own_library(build, bert):
    from transformers import AutoModel

    transform = HFTokenize(weights=bert, max_tokens=8)
    encoder = build("hf_text", weights=bert, **transform.provides())
    inputs = Inputs.stack([transform("large red mug"), transform("mug")])
    summary, tokens = encoder.run(encoder.observe(inputs))
    with torch.no_grad():
        seen = AutoModel.from_pretrained(bert).eval()(**tokenizer()("large red mug", return_tensors="pt"))
    assert_close(summary[0], seen.last_hidden_state[0, 0], atol=1e-5, rtol=1e-4)
    assert_close(tokens[0], seen.last_hidden_state[0, 1:4], atol=1e-5, rtol=1e-4)


def test_the_tokenizer_says_what_the_encoder_needs(bert):
    transform = HFTokenize(weights=bert, max_tokens=2)
    facts = transform.provides()
    assert {k: facts[k] for k in ("vocabulary", "max_tokens", "mask_id", "start_id", "end_id")} == {
        "vocabulary": 13, "max_tokens": 2, "mask_id": 4, "start_id": 2, "end_id": 3,
    }  # fmt: skip
    assert transform("large red mug").values.tolist() == [9, 7]
    assert transform("teapot").values.tolist() == [1]


def test_a_table_is_written_out_and_its_pairs_are_kept(bert):
    inputs = HFProperties(weights=bert, max_tokens=9)({"colour": "red", "size": [38, "large"]})
    assert inputs.values.tolist() == [10, 5, 7, 6, 11, 5, 12, 1, 9]  # colour : red ; size : 38 , large
    assert inputs.extras["groups"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert inputs.extras["roles"].tolist() == [1, 0, 2, 0, 1, 0, 2, 2, 2]
    plain = HFProperties(weights=bert, max_tokens=9, between="", after="")({"colour": "red", "size": 38})
    assert plain.values.tolist() == [10, 7, 11, 12]


def test_a_table_needs_its_pairs(build, config):
    encoder = build("table_serialised", weights=config("bert"), **FACTS)
    with pytest.raises(ContractError, match="a table needs extras 'groups' and 'roles', got \\[\\]"):
        encoder.observe(texts([7, 8]))


@pytest.mark.parametrize("kind", ["bert", "roberta", "t5"])
def test_padding_and_company_change_nothing(kind, build, config):
    weights = config(kind)
    encoder = build("hf_text", weights=weights, **{**FACTS, "max_tokens": 8, "start_id": -1 if kind == "t5" else 2})
    together = encoder(texts([7, 8, 9, 10], [11, 12]))
    alone = encoder(texts([11, 12]))
    assert_close(alone.values[0], together.values[1, :3], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "roberta", "t5", "clip"])
def test_texts_of_like_length_run_together_without_changing_anything(kind, build, config, monkeypatch):
    sizes = {**FACTS, "max_tokens": 6, "start_id": -1 if kind == "t5" else 2}
    encoder = build("hf_text", weights=config(kind), **sizes)
    inputs = texts([7, 8, 9, 10, 11], [11], [12, 7], [9, 9, 8, 8, 7], [10])
    found = []
    for call in (0, 10**6):  # each length by itself, and all in one call
        monkeypatch.setattr(lengths, "CALL_ON_CPU", call)
        found.append(encoder(inputs).values)
    assert_close(*found, atol=1e-5, rtol=1e-4)


def test_clip_reads_the_end_of_a_text(build, config):
    encoder = build("hf_text", weights=config("clip"), **{**FACTS, "max_tokens": 6})
    assert encoder.pooling == "last"
    observation = encoder.observe(texts([7, 8, 9]))
    values = observation.values.clone()
    values[0, 2] = 11
    before, after = (encoder.run(o) for o in (observation, replace(observation, values=values)))
    assert_close(before[1][:, :2], after[1][:, :2])  # a word sees those before it
    assert (before[0] - after[0]).abs().max() > 1e-4


def test_only_the_first_blocks_can_be_kept(build, config):
    encoder = build("hf_text", weights=config("bert"), keep=1, **FACTS)
    assert len(encoder.backbone.network.encoder.layer) == 1
    with pytest.raises(ConfigError, match="keep: expected 1 to 2, the network's blocks, got 3"):
        build("hf_text", weights=config("bert"), keep=3, **FACTS)


def test_another_tokenizer_than_the_checkpoints_is_refused(build, bert, tmp_path):
    tokenizer([*WORDS, "kettle"]).save_pretrained(tmp_path)
    facts = HFTokenize(weights=str(tmp_path), max_tokens=8).provides()
    with pytest.raises(ConfigError, match="was trained with another tokenizer; give the transform weights: "):
        build("hf_text", weights=bert, **facts)


def test_a_run_notices_that_the_tokenizer_has_changed(bert, tmp_path):
    tokenizer([*WORDS, "kettle"]).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is not the one that the run was trained with"):
        HFTokenize(weights=str(tmp_path), max_tokens=8).load_state(HFTokenize(weights=bert, max_tokens=8).state())


@pytest.mark.parametrize(("kind", "most"), [("bert", 12), ("roberta", 10)])
def test_too_long_texts_and_too_many_words_are_refused(kind, most, build, config):
    with pytest.raises(ConfigError) as caught:
        build("hf_text", weights=config(kind), **{**FACTS, "vocabulary": 99, "max_tokens": 11})
    assert caught.value.problems == (
        "hf_text: the transform knows 99 ids, the network 30; give the transform the same weights, or a config with a "
        "larger vocab_size",
        f"hf_text: a text may have 13 tokens with start and end, the network knows {most} positions; lower the "
        "transform's max_tokens",
    )


def test_a_hidden_word_gets_a_vector_where_the_tokenizer_has_none(build, config):
    encoder = build("hf_text", weights=config("bert"), **{**FACTS, "vocabulary": 31, "mask_id": 30})
    assert encoder.backbone.network.get_input_embeddings().weight.shape == (31, 32)


def test_offline_says_how_to_get_a_name_of_the_hub(build, monkeypatch):
    monkeypatch.setenv("M5KIT_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", "nowhere")
    with pytest.raises(ConfigError, match=r"and M5KIT_OFFLINE=1 forbids the network; get them once with: hf download"):
        build("hf_text", weights="somebody/some-bert", **FACTS)
