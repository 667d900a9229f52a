"""Previews are kept beside a run, and a run that cannot have them is reported without."""

import json

import pytest

from m5kit.errors import CheckpointError
from m5kit.inference import previews
from m5kit.inference.previews import gallery_items, keep_previews
from m5kit.runs.folder import RunFolder

FOUND = {"coarse": {"queries": [{"id": "q", "hits": [{"id": "h"}]}]}}


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.gallery.write_text(json.dumps(FOUND))
    return folder


def test_queries_and_hits_are_shown(folder):
    assert gallery_items(folder) == {"q", "h"}


def test_a_run_that_may_not_be_written_is_shown_without_pictures(folder, monkeypatch, caplog):
    def refuse(path, value):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(previews, "_drawn", lambda folder, wanted: {})
    monkeypatch.setattr(previews, "write_json", refuse)
    keep_previews(folder.path)
    assert "show no pictures: [Errno 13] Permission denied" in caplog.text
    assert "previews.json" in caplog.text


@pytest.mark.parametrize("content", ["[1]", "{", json.dumps({"coarse": 7}), json.dumps({"coarse": {"queries": [{}]}})])
def test_damaged_galleries_are_named_with_what_to_do(folder, content):
    folder.gallery.write_text(content)
    with pytest.raises(CheckpointError, match=r"gallery\.json.*; remove it to report without these examples"):
        keep_previews(folder.path)
