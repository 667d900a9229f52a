import json
import re

import pytest

from m5kit.data.transforms.tokenize import TokenizeTransform
from m5kit.errors import ConfigError

CORPUS = ["red mug", "red cup", "a red mug", "红色杯子", "红色 mug"] * 4


@pytest.fixture
def transform():
    made = TokenizeTransform(max_tokens=6, vocabulary=60)
    made.fit(CORPUS)
    return made


def words(transform, text):
    return [transform.words.tokenizer.id_to_token(number) for number in transform(text).values.tolist()]


def test_english_words_and_chinese_characters(transform):
    assert words(transform, "Red mug") == ["▁red", "▁mug"]
    assert words(transform, "红色杯子mug") == ["▁红", "▁色", "▁杯", "▁子", "▁mug"]


def test_case_and_accents_do_not_matter_unless_asked(transform):
    assert words(transform, "RÉD Mug") == words(transform, "red mug")
    exact = TokenizeTransform(max_tokens=6, vocabulary=60, lowercase=False)
    exact.fit(CORPUS)
    assert exact("Red").values.tolist() != exact("red").values.tolist()


def test_what_was_never_seen_is_unknown_and_never_nothing(transform):
    assert 1 in transform("猫").values.tolist()
    assert transform("\u200b").values.tolist() == [1]
    assert transform("").values.tolist() == [1]


def test_long_texts_are_cut(transform):
    long, short = transform("mug " * 50), transform("mug mug mug mug mug mug")
    assert long.values.tolist() == short.values.tolist()
    assert long.lengths.item() == 6


def test_the_first_ids_are_padding_unknown_and_mask(transform):
    tokenizer = transform.words.tokenizer
    assert [tokenizer.id_to_token(number) for number in range(3)] == ["[PAD]", "[UNK]", "[MASK]"]
    assert transform.provides() == {"vocabulary": tokenizer.get_vocab_size(), "mask_id": 2, "max_tokens": 6}
    assert 2 not in transform("[MASK] mug").values.tolist()[1:]


def test_before_learning_the_largest_size_counts_and_reading_is_refused():
    transform = TokenizeTransform(max_tokens=6, vocabulary=60)
    assert transform.learns
    assert transform.provides() == {"vocabulary": 60, "mask_id": 2, "max_tokens": 6}
    with pytest.raises(ConfigError, match=re.escape("the vocabulary is not learned yet; call fit() with a corpus")):
        transform("mug")


def test_what_was_learned_survives_as_json(transform):
    other = TokenizeTransform(max_tokens=6, vocabulary=60)
    other.load_state(json.loads(json.dumps(transform.state())))
    assert other("a red 红色 mug").values.tolist() == transform("a red 红色 mug").values.tolist()
    assert other.provides() == transform.provides()


def test_a_tokenizer_file_needs_no_learning(transform, tmp_path):
    transform.words.tokenizer.save(str(tmp_path / "tokenizer.json"))
    other = TokenizeTransform(max_tokens=6, file=str(tmp_path / "tokenizer.json"))
    assert not other.learns
    assert other("red 杯子").values.tolist() == transform("red 杯子").values.tolist()


def test_ids_of_a_file_stay_as_they_are(tmp_path):
    from tokenizers import Tokenizer, models

    ids = {"<s>": 0, "<pad>": 1, "mug": 2, "<unk>": 3, "<mask>": 4}
    Tokenizer(models.WordLevel(ids, unk_token="<unk>")).save(str(tmp_path / "tokenizer.json"))
    transform = TokenizeTransform(max_tokens=6, file=str(tmp_path / "tokenizer.json"))
    assert transform.provides() == {"vocabulary": 5, "mask_id": 4, "max_tokens": 6}
    assert transform("mug").values.tolist() == [2]
    assert transform("").values.tolist() == [3]


def test_files_that_are_no_use(tmp_path):
    (tmp_path / "words.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"cannot read the tokenizer .*words\.json: .*; give a tokenizer\.json"):
        TokenizeTransform(max_tokens=6, file=str(tmp_path / "words.json"))
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordLevel({"[PAD]": 0, "a": 1}, unk_token="a")).save(str(tmp_path / "bare.json"))
    message = "the tokenizer has no token [MASK] or <mask>; masked tasks and padding need it"
    with pytest.raises(ConfigError, match=re.escape(message)):
        TokenizeTransform(max_tokens=6, file=str(tmp_path / "bare.json"))
