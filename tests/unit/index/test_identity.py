"""Which runs may share an index."""

import shutil

import pytest

from m5kit.index import identity


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of which nothing matters but the bytes that a digest reads."""
    checkpoint = tmp_path / "run" / "checkpoints" / "step_1"
    checkpoint.mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").write_text("seed: 0\n")
    (checkpoint / identity.CHECKSUMS).write_text("{}")
    monkeypatch.setattr(identity, "to_use", lambda folder: folder.path / "checkpoints" / "step_1")
    return tmp_path / "run"


def test_a_copy_of_a_run_is_the_same_and_other_weights_or_another_config_are_not(run, tmp_path):
    before = identity.fingerprint(run)
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert identity.fingerprint(copy) == before
    (copy / "config.yaml").write_text("seed: 1\n")
    assert identity.fingerprint(copy) != before
    (run / "checkpoints" / "step_1" / identity.CHECKSUMS).write_text('{"a": "b"}')
    assert identity.fingerprint(run) != before


def test_vectors_that_are_made_in_another_way_are_another_space(run, monkeypatch):
    before = identity.fingerprint(run)
    monkeypatch.setattr(identity, "LAYOUT", b"another")
    assert identity.fingerprint(run) != before
