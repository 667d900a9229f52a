"""Prepared inputs: the same as made anew, without opening media, and never stale."""

import pickle
import sqlite3
from contextlib import closing

import numpy as np
import pytest
import torch

from m5kit.data.cache.reader import cached
from m5kit.data.cache.store import CacheStore
from m5kit.data.decode.base import Decoder
from m5kit.data.pipeline import Pipeline
from m5kit.data.transforms.base import Transform
from m5kit.errors import DecodeError
from m5kit.structures import Inputs


class Numbers(Decoder):
    """Reads whole numbers from a text file, and counts how often."""

    def __init__(self):
        self.opened = 0

    def __call__(self, source, root):
        self.opened += 1
        try:
            return np.array([int(word) for word in (root / source).read_text().split()])
        except (OSError, ValueError) as error:
            raise DecodeError(str(error)) from error


class Jitter(Transform):
    """Adds noise in training."""

    def __init__(self, scale=1):
        self.scale = scale

    def __call__(self, decoded, generator=None):
        noise = 0 if generator is None else generator.normal(size=len(decoded))
        extras = {"place": torch.arange(len(decoded))}
        return Inputs.single(torch.from_numpy(decoded * self.scale + noise).float(), extras, length=len(decoded) - 1)

    def blank(self):
        return Inputs.single(torch.zeros(2), {"place": torch.zeros(2, dtype=torch.int64)})

    def provides(self):
        return {"scale": self.scale}


@pytest.fixture
def store(tmp_path):
    return CacheStore(tmp_path / "cache" / "cache.sqlite", limit=10_000)


@pytest.fixture
def item(tmp_path):
    (tmp_path / "item.txt").write_text("1 2 3")
    return tmp_path / "item.txt"


def read(pipeline, item, seed=0):
    decoded = pipeline.decoder(item.name, item.parent)
    return pipeline.transform(decoded, np.random.default_rng(seed))


def same(one, other):
    assert torch.equal(one.values, other.values)
    assert torch.equal(one.lengths, other.lengths)
    assert torch.equal(one.extras["place"], other.extras["place"])


@pytest.mark.parametrize("kept", [True, False])
def test_inputs_are_those_of_evaluation_kept_or_not(item, store, kept):
    plain = Pipeline(Numbers(), Jitter(), noise=0.5)
    pipeline = cached(plain, {}, store if kept else None)
    assert pipeline.noise == 0.0
    for seed in (0, 1):
        same(read(pipeline, item, seed), plain.transform(plain.decoder(item.name, item.parent)))
    same(pipeline.transform.blank(), plain.transform.blank())
    assert pipeline.transform.provides() == {"scale": 1}


def test_media_are_opened_once_also_by_the_next_run(item, store):
    decoder = Numbers()
    for _ in range(2):
        pipeline = cached(Pipeline(decoder, Jitter()), {"keep": True}, store)
        first = read(pipeline, item)
        same(read(pickle.loads(pickle.dumps(pipeline)), item), first)
    assert decoder.opened == 1


def test_another_content_or_setting_is_made_anew(item, store):
    decoder = Numbers()
    assert read(cached(Pipeline(decoder, Jitter()), {}, store), item).values.tolist() == [1, 2, 3]
    item.write_text("4 5 6")
    assert read(cached(Pipeline(decoder, Jitter()), {}, store), item).values.tolist() == [4, 5, 6]
    assert read(cached(Pipeline(decoder, Jitter(2)), {}, store), item).values.tolist() == [8, 10, 12]
    read(cached(Pipeline(decoder, Jitter()), {"transform": {"other": 1}}, store), item)
    assert decoder.opened == 4


def test_a_full_store_is_told_once_and_changes_nothing(item, tmp_path, caplog):
    full = CacheStore(tmp_path / "cache" / "cache.sqlite", limit=10)
    decoder = Numbers()
    pipeline = cached(Pipeline(decoder, Jitter()), {}, full)
    for _ in range(3):
        assert read(pipeline, item).values.tolist() == [1, 2, 3]
    assert decoder.opened == 3
    assert [record.message for record in caplog.records if "raise M5KIT_CACHE_GB" in record.message] != []
    assert len(caplog.records) == 1


def test_a_file_that_cannot_be_read_is_tried_again(item, store):
    pipeline = cached(Pipeline(Numbers(), Jitter()), {}, store)
    item.write_text("one")
    with pytest.raises(DecodeError):
        read(pipeline, item)
    item.write_text("1 2")
    assert read(pipeline, item).values.tolist() == [1, 2]


@pytest.mark.parametrize("content", [b"no database" * 500, None])
def test_a_file_that_breaks_while_it_is_read_is_named_once_and_changes_nothing(item, store, content, caplog):
    decoder = Numbers()
    pipeline = cached(Pipeline(decoder, Jitter()), {}, store)
    read(pipeline, item)
    if content is None:  # an entry alone
        space = pipeline.decoder.space
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute("UPDATE entries SET data = ? WHERE space = ?", (b"rubbish", space))
    else:
        store.close()  # as another process would find it
        store.path.write_bytes(content)
    for _ in range(2):
        assert read(pipeline, item).values.tolist() == [1, 2, 3]
    assert [("is damaged" in line and "media are opened every time" in line) for line in caplog.messages] == [True]
    assert decoder.opened == 3


def test_a_cache_that_cannot_be_opened_is_done_without(item, tmp_path, caplog):
    (tmp_path / "file").touch()
    pipeline = cached(Pipeline(Numbers(), Jitter()), {}, CacheStore(tmp_path / "file" / "cache.sqlite", 100))
    assert read(pipeline, item).values.tolist() == [1, 2, 3]
    assert "cannot be used" in caplog.text
