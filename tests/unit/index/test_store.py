"""The store in an object store: the same code, another address."""

import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from m5kit.errors import DataError, MissingDependencyError
from m5kit.index.index import Index
from m5kit.index.store import Store
from m5kit.index.where import one_of

BUCKET = "shop"


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of an S3 server on this machine."""
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ALLOW_HTTP": "true"}
    regions = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, **regions, "AWS_ENDPOINT": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
    yield f"s3://{BUCKET}"
    server.stop()


@pytest.mark.slow
def test_an_index_lives_in_an_object_store_without_a_change_of_code(bucket):
    vectors = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    names = [str(number) for number in range(300)]
    place = f"{bucket}/items.index"
    Index.of_vectors(place, names, vectors, {"n": list(range(300))})
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = np.where(np.arange(300) < 100, units @ units[3], -2).argsort()[::-1][:5]
    index = Index.open(place)
    assert [hit.row.id for hit in index.search(vectors[3], where="n < 100", top=5)] == [names[row] for row in near]
    assert index.delete(["3"]) == 1
    assert len(Index.open(place)) == 299


def test_ids_are_quoted():
    assert one_of(["a'); drop", "b"]) == "`id` in ('a''); drop', 'b')"


def test_an_address_of_an_unknown_kind_is_refused():
    with pytest.raises(DataError, match=r"'gopher://x' cannot be opened as an index"):
        Store("gopher://x")


def test_a_full_disk_is_one_error(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise RuntimeError("lance error: No space left on device (os error 28), /home/x/lance/src/io/commit.rs:9:5")

    store = Store(str(tmp_path / "new"))
    monkeypatch.setattr(store, "_base", SimpleNamespace(create_table=full))
    with pytest.raises(DataError, match="new cannot be written: no space left on device; make room there, or name"):
        store.create(pa.schema([]))


def test_a_folder_that_is_something_else_takes_no_index(tmp_path):
    (tmp_path / "annotations.jsonl").write_text("{}")
    with (
        pytest.raises(DataError, match=r"holds other files, such as annotations\.jsonl"),
        Store(str(tmp_path)).writing(),
    ):
        pass
    for name in (".lock", "items.lance"):  # what an interrupted build leaves
        (tmp_path / "begun" / name).mkdir(parents=True)
    (tmp_path / "begun" / ".lock").rmdir()
    with Store(str(tmp_path / "begun")).writing(), Store(str(tmp_path / "new")).writing():
        pass


def test_a_store_that_is_installed_and_broken_is_not_called_missing(tmp_path, monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "lancedb":
                raise ImportError("undefined symbol: lance")

    monkeypatch.delitem(sys.modules, "lancedb", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(MissingDependencyError, match=r"'lancedb', which cannot be imported \(undefined symbol"):
        Store(str(tmp_path / "x"))
