"""Mistakes in arguments are headed by what was wrong: no config is at hand."""

import numpy as np
import pytest

import m5kit
from m5kit.ablation.preparation import prepare_sweep
from m5kit.config.roots import find_sweep
from m5kit.errors import UsageError

ANY = [{"text": "a red mug"}]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: m5kit.load(None), "path: expected a path, got None"),
        (lambda: m5kit.load("s3://b/run"), "path: expected a path of this machine, got the URL s3://b/run"),
        (lambda: m5kit.train(3), "config: expected a path, got 3"),
        (lambda: m5kit.train("demo/scale", data=3), "data: expected a path, got 3"),
        (lambda: m5kit.train("demo/scale", run_dir=3), "run_dir: expected a path, got 3"),
        (lambda: m5kit.train("demo/scale", resume=True), "resume: name the run with run_dir"),
        (lambda: m5kit.sweep("fusion", 3), "out: expected a path, got 3"),
        (lambda: m5kit.sweep("fusion", "a", jobs=True), "jobs: expected a whole number of at least 1, got True"),
        (lambda: m5kit.Index.build("a", 3), "run: expected a path, got 3"),
        (lambda: m5kit.Index.open(3), "place: expected a path, got 3"),
    ],
)
def test_the_argument_is_named(call, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as told:
        call()
    assert str(told.value) == said
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"root": 3}, "root: expected a path, got 3"),
        ({"root": b"x"}, "root: expected a path, got b'x'"),
        ({"width": "8"}, "width: expected a whole number of at least 1, got '8'"),
        ({"width": 1.5}, "width: expected a whole number of at least 1, got 1.5"),
        ({"batch_size": True}, "batch_size: expected a whole number of at least 1, got True"),
        ({"modalities": []}, "modalities: name at least one, or leave it out for all"),
        ({"batch_size": 0, "precision": "x"}, "2 mistakes:\n  batch_size: expected"),
    ],
)
def test_an_option_of_embed_is_named(run, options, said):
    with pytest.raises(UsageError) as told:
        run.embed(ANY, **options)
    assert str(told.value).startswith(said)


def test_a_width_of_numpy_is_a_width(run):
    assert run.embed(ANY, width=np.int64(8)).shape == (1, 8)


def test_an_evaluation_of_no_modality_is_refused(run):
    with pytest.raises(UsageError, match="modalities: name at least one"):
        run.evaluate(modalities=[])


@pytest.mark.parametrize("given", [[], 3, "text"])
def test_an_index_of_no_modality_is_refused(run, tmp_path, given):
    with pytest.raises(UsageError, match="modalities: "):
        m5kit.Index.build(tmp_path / "new", run.path, modalities=given)


def test_a_sweep_is_kept_out_of_the_folder_of_its_items(demo):
    with pytest.raises(UsageError, match="is the folder of the items; name another one for the sweep"):
        prepare_sweep(find_sweep("fusion"), demo, demo)
