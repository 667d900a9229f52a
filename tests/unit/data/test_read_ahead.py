import json

import fsspec
import pytest

from m5kit.data.manifest import Manifest, read_manifest
from m5kit.data.read_ahead import ReadAhead, read_ahead
from m5kit.data.remote import trying
from m5kit.data.remote.mirror import open_mirror
from m5kit.data.remote.trying import RemoteError
from m5kit.data.sampler import SequentialSampler, StepSampler
from m5kit.data.shards.prepare import prepare
from m5kit.data.sources.manifest import ManifestItems
from m5kit.errors import ConfigError


@pytest.fixture
def shards(tmp_path, monkeypatch):
    """Twelve items in shards of two, in an object store in memory; the folder that mirrors them."""
    monkeypatch.setenv("M5KIT_REMOTE", str(tmp_path / "copies"))
    monkeypatch.setattr(trying, "DELAYS", (0.0,))
    (tmp_path / "shop").mkdir()
    lines = []
    for number in range(12):
        (tmp_path / "shop" / f"{number}.jpg").write_bytes(bytes([number]) * 1000)
        lines.append(json.dumps({"id": str(number), "split": "ab"[number % 2], "image": f"{number}.jpg"}))
    (tmp_path / "shop" / "annotations.jsonl").write_text("\n".join(lines))
    prepare(ManifestItems(root=tmp_path / "shop"), tmp_path / "shards", ("image",), items=2)
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    system.put(str(tmp_path / "shards"), "/shards", recursive=True)
    yield open_mirror("memory://shards")
    system.store.clear()


def fetched(root):
    return sorted(path.stem for path in root.glob("*.tar"))


def test_the_batches_are_those_of_the_sampler_and_their_files_are_here(shards):
    samples = read_manifest(shards)
    plain = SequentialSampler(size=12, batch_size=4)
    ahead = read_ahead(plain, samples, None)
    assert len(ahead) == 3
    batches = []
    for batch in ahead:
        batches.append(batch)
        assert {f"{draw.index // 2:06d}" for draw in batch} <= set(fetched(shards))
    assert batches == list(plain)


def test_no_more_is_fetched_than_is_looked_ahead(shards):
    asked = []

    def files_of(index):
        asked.append(index)
        return []

    stream = iter(ReadAhead(StepSampler(size=12, batch_size=2, seed=0), files_of, items=6))
    next(stream)
    assert len(set(asked[:8])) == 8  # the batch that is handed out, and six items more
    assert len(asked) == 8 + 2
    stream.close()


def test_some_items_of_a_set_need_some_shards(shards):
    samples = read_manifest(shards).take(read_manifest(shards).codes == 0)
    assert samples.blocks() == [1] * 6
    assert len(list(read_ahead(SequentialSampler(size=6, batch_size=1), samples, None))) == 6
    assert fetched(shards) == [f"{number:06d}" for number in range(6)]


def test_loose_files_are_fetched_ahead_too(tmp_path, shards):
    fsspec.filesystem("memory").put(str(tmp_path / "shop"), "/loose", recursive=True)
    root = open_mirror("memory://loose")
    list(read_ahead(SequentialSampler(size=12, batch_size=5), read_manifest(root), None))
    assert len(list(root.glob("*.jpg"))) == 12


def test_a_folder_of_this_machine_needs_nothing(tmp_path, shards):
    samples, plain = read_manifest(tmp_path / "shop"), SequentialSampler(size=12, batch_size=4)
    assert read_ahead(plain, samples, None) is plain


def test_where_training_starts_is_the_samplers_business(shards):
    sampler = StepSampler(size=12, batch_size=2, seed=0, blocks=[2] * 6, window=2)
    ahead = read_ahead(sampler, read_manifest(shards), 2)
    ahead.skip(2)
    assert next(iter(ahead))[0].position == 4


def test_an_error_of_the_network_is_that_of_whoever_draws(shards, monkeypatch):
    from m5kit.data.remote.folder import RemoteFolder

    def gone(*_):
        raise RemoteError("cannot read memory://shards: it cannot be reached")

    monkeypatch.setattr(RemoteFolder, "find", gone)
    with pytest.raises(RemoteError, match="cannot be reached"):
        list(read_ahead(SequentialSampler(size=12, batch_size=4), read_manifest(shards), None))


@pytest.mark.parametrize(("window", "said"), [(None, r"mix some shards at a time"), (2, r"two times 2 shards")])
def test_more_than_there_is_room_for_is_refused(shards, monkeypatch, window, said):
    monkeypatch.setenv("M5KIT_REMOTE_GB", "3e-5")  # a shard has 10 kB
    sampler = StepSampler(size=12, batch_size=2, seed=0, blocks=[2] * 6, window=window)
    samples = read_manifest(shards)
    with pytest.raises(ConfigError, match=said):
        read_ahead(sampler, samples, window)
    read_ahead(StepSampler(size=12, batch_size=2, seed=0, blocks=[2] * 6, window=1), samples, 1)
    assert isinstance(samples, Manifest)
