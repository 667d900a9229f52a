"""A file of embeddings is there as a whole, or as it was before."""

import gc
import os
import signal
import tempfile

import numpy as np
import pytest

from m5kit.api import Embedded
from m5kit.errors import DataError
from m5kit.exporters.base import Exporter
from m5kit.exporters.faiss import FaissExporter
from m5kit.exporters.npz import NpzExporter
from m5kit.exporters.placing import export, require_place

ITEMS = Embedded(np.array(["a", "b\ud800"]), np.eye(2, 3, dtype=np.float32), {"kind": np.array(["x", "\udfff"])})


class Failing(Exporter):
    """Writes half a file."""

    suffix = ".npz"

    def write(self, embedded, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")


def test_what_was_there_stays_until_all_is_written(tmp_path):
    path = tmp_path / "items.npz"
    assert export(NpzExporter(), ITEMS, path) == [path]
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"No space.*items\.npz"):
        export(Failing(), ITEMS, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["items.npz"]


def test_all_files_of_an_exporter_take_their_places(tmp_path):
    files = export(FaissExporter(), ITEMS, tmp_path / "items.faiss")
    assert [file.name for file in files] == ["items.faiss", "items.ids.json"]
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_half_of_a_surrogate_pair_in_a_name_does_not_lose_the_file(tmp_path, suffix):
    path = tmp_path / f"items{suffix}"
    ITEMS.save(path)
    found = Embedded.load(path)
    assert found.ids.tolist() == (["a", "b\ud800"] if suffix == ".npz" else ["a", r"b\ud800"])
    assert found.vectors.tolist() == ITEMS.vectors.tolist()


def test_a_folder_in_the_place_of_the_file_is_told_at_once(tmp_path):
    with pytest.raises(DataError, match="is a folder; name a file"):
        require_place(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        require_place(tmp_path / "file" / "b.npz")
    require_place(tmp_path / "new" / "b.npz")
    assert list((tmp_path / "new").iterdir()) == []


class Ended(BaseException):
    """What a handler of SIGTERM raises."""


@pytest.fixture
def ended_at(monkeypatch):
    """Have SIGTERM come while a function of a module runs."""

    def end(*_):
        raise Ended

    before = signal.signal(signal.SIGTERM, end)

    def place(module, name):
        real = getattr(module, name)

        def interrupted(*arguments, **options):
            found = real(*arguments, **options)
            os.kill(os.getpid(), signal.SIGTERM)
            return found

        monkeypatch.setattr(module, name, interrupted)

    yield place
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("module", "name"), [(tempfile, "mkdtemp"), (os, "scandir")], ids=["made", "removed"])
def test_a_signal_while_the_folder_is_made_or_removed_leaves_none(tmp_path, ended_at, module, name):
    ended_at(module, name)
    with pytest.raises(Ended):
        require_place(tmp_path / "items.npz")
    gc.collect()
    assert not list(tmp_path.iterdir())
