"""Training, evaluation and sweeps from Python: values and errors in place of printed lines."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml

import m5kit
from m5kit.errors import CheckpointError, ConfigError, M5KitError
from m5kit.public.training import as_overrides

ROOT = Path(__file__).parents[3]
SHORT = {
    "model.dim": 16,
    "model.features": 8,
    "schedule.max_steps": 2,
    "schedule.batch_size": 4,
    "schedule.warmup": 0.5,
    "data.workers": 0,
    "checkpoint.every_steps": 2,
    "input_image": None,
    "encoder_image": None,
    "encoder_video": None,
    "encoder_audio": None,
    "evaluation": None,
    "evaluation.found": {"type": "knn", "train": "train", "test": "test", "label": "coarse"},
}


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    wanted = {key: value for key, value in SHORT.items() if key != "input_image"}
    return m5kit.train(
        "demo/scale", data=demo, overrides={**wanted, "fusion": "gated"}, run_dir=tmp_path_factory.mktemp("run") / "a"
    )


def test_a_trained_run_is_loaded_and_its_metrics_are_stored(trained, capsys):
    assert trained.modalities == ("table", "text")
    assert trained.trained.config.fusion["type"] == "gated"
    assert trained.embed([{"text": "a red mug"}]).shape == (1, trained.width)
    assert trained.path.joinpath("results.json").exists()
    assert capsys.readouterr().out == ""


def test_metrics_come_as_values_with_their_intervals(trained):
    value = trained.evaluate(["found"]).results["found"]["accuracy"]
    assert 0 <= value.low <= value.value <= value.high <= 1
    assert m5kit.evaluate(trained.path).results["found"]["accuracy"] == value


def test_new_metrics_are_run_alone_and_change_nothing(trained):
    before = trained.path.joinpath("results.json").read_text()
    new = {"mine": {"type": "clustering", "split": "test", "label": "coarse"}}
    assert set(trained.evaluate(new).results) == {"mine"}
    assert set(trained.evaluate().results) == {"found"}
    assert trained.path.joinpath("results.json").read_text() == before


def test_a_subset_of_the_modalities_and_other_items_can_be_evaluated(trained, demo):
    seen = trained.evaluate(["found"], modalities=["text"]).results["found"]["accuracy"]
    assert seen.count == trained.evaluate(["found"], data=demo).results["found"]["accuracy"].count


def test_all_mistakes_in_new_metrics_are_named(trained):
    with pytest.raises(ConfigError) as caught:
        trained.evaluate({"one": {"type": "knn", "tain": "train"}, "two": {"type": "knm"}})
    message = str(caught.value)
    assert "evaluation.one.tain" in message
    assert "did you mean 'knn'?" in message
    with pytest.raises(ConfigError, match="only all metrics on the run's own items"):
        trained.evaluate(["found"], store=True)
    with pytest.raises(ConfigError, match="expected a list such as"):
        trained.evaluate("found")
    for given in ([3], 3, [None]):
        with pytest.raises(ConfigError, match="metrics: expected a list of names"):
            trained.evaluate(given)
    for given in ([], {}):
        with pytest.raises(ConfigError, match="metrics: name at least one"):
            trained.evaluate(given)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda run: m5kit.load(None), "expected a path, got None"),
        (lambda run: m5kit.load(["run"]), "expected a path, got"),
        (lambda run: m5kit.load(""), "expected a path, got an empty text"),
        (lambda run: m5kit.Index.of_vectors(None, ["a"], [[1.0]]), "place: expected a path, got None"),
        (lambda run: m5kit.train("demo/scale", data=3), "expected a path, got 3"),
        (lambda run: m5kit.train("demo/scale", run_dir=b"run"), "expected a path, got b'run'"),
        (lambda run: m5kit.sweep("fusion", []), "expected a path"),
        (lambda run: as_overrides(3), "overrides: expected values by dotted key, or a list of KEY=VALUE, got 3"),
        (lambda run: as_overrides("fusion=gated"), "overrides: expected values by dotted key"),
        (lambda run: as_overrides([("fusion", "gated")]), "overrides: expected values by dotted key"),
        (lambda run: as_overrides({3: 4}), "overrides: expected values by dotted key"),
        (lambda run: as_overrides({"fusion": Path}), "overrides: fusion: a config can hold no type"),
        (lambda run: m5kit.sweep("fusion", "out", jobs="2"), "jobs: expected a whole number of at least 1, got '2'"),
        (lambda run: m5kit.load(run.path, threads=0), "threads: expected a whole number of at least 1, got 0"),
        (lambda run: m5kit.load(run.path, threads="2"), "threads: expected a whole number"),
        (lambda run: run.to(3), "device: expected a name"),
        (lambda run: run.to("meta"), "nothing can be computed on 'meta'"),
        (lambda run: run.embed(None), "items: expected a list of items, got None"),
        (lambda run: run.embed([], modalities="text"), "modalities: expected a list"),
        (lambda run: run.embed([], modalities=[3]), "modalities: expected a list"),
        (lambda run: run.evaluate(modalities="text"), "modalities: expected a list"),
        (lambda run: run.evaluate(data=3), "expected a path, got 3"),
        (lambda run: m5kit.Index.open(None), "expected a path, got None"),
        (lambda run: m5kit.Index.build("out", None), "expected a path, got None"),
        (lambda run: m5kit.Index.build("out", run.path, splits=[]), "splits: name at least one"),
        (lambda run: m5kit.Index.build("out", run.path, splits="test"), "splits: expected a list of names"),
    ],
)
def test_a_value_of_a_wrong_kind_is_named(trained, call, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        call(trained)


def test_the_home_folder_is_written_as_in_a_shell(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match=f"{tmp_path}/no/run holds no run"):
        m5kit.load("~/no/run")
    with pytest.raises(ConfigError, match=f"{tmp_path}/no.yaml"):
        m5kit.train("~/no.yaml")


def test_a_config_with_mistakes_makes_no_folder(demo, tmp_path):
    with pytest.raises(ConfigError) as caught:
        m5kit.train(
            "demo/scale", data=demo, overrides={"schedule.lr": "fast", "fusion.dpth": 1}, run_dir=tmp_path / "run"
        )
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [{"schedule.tokens": 5}, {"schedule.batch_size": 9999}])
def test_a_run_that_is_refused_when_its_items_are_known_leaves_the_folder_to_the_next(demo, tmp_path, wrong):
    with pytest.raises(M5KitError, match=next(iter(wrong))):
        m5kit.train("demo/scale", data=demo, overrides={**SHORT, **wrong}, run_dir=tmp_path / "run")
    right = {**SHORT, "evaluation.found": None, "schedule.tokens": 400}
    assert m5kit.train("demo/scale", data=demo, overrides=right, run_dir=tmp_path / "run").path == tmp_path / "run"


def test_what_cannot_be_is_refused(demo, trained):
    with pytest.raises(CheckpointError, match="already holds a run"):
        m5kit.train("demo/scale", data=demo, run_dir=trained.path)
    with pytest.raises(ConfigError, match="name the run with run_dir"):
        m5kit.train("demo/scale", data=demo, resume=True)
    caught = []

    def in_a_thread():
        try:
            m5kit.train("demo/scale", data=demo)
        except M5KitError as error:
            caught.append(str(error))

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert "train in the main thread" in caught[0]


@pytest.mark.parametrize(
    ("key", "value", "override"),
    [
        ("fusion", "gated", "fusion=gated"),
        ("task_matching", None, "task_matching=none"),
        ("seed", 3, "seed=3"),
        ("seed", np.int64(3), "seed=3"),
        ("schedule.lr", np.float32(0.5), "schedule.lr=0.5"),
        ("data.follow_links", np.bool_(True), "data.follow_links=true"),
        ("data.label", "3", "data.label='3'"),
        ("data.label", None, "data.label="),
        ("data.train", ["a", "b"], "data.train=[a, b]"),
        ("evaluation.mine", {"type": "knn"}, "evaluation.mine={type: knn}"),
    ],
)
def test_overrides_are_written_as_on_the_command_line(key, value, override):
    assert as_overrides({key: value}) == [override]
    assert as_overrides([override]) == [override]


@pytest.mark.slow
def test_a_sweep_comes_back_as_a_study(demo, tmp_path):
    sweep = {
        "base": "demo/scale",
        "metrics": ["found/accuracy"],
        "seeds": [0],
        "set": as_overrides(SHORT),
        "vary": {"fusion": ["scale", "gated"]},
    }
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    lines = []
    report = m5kit.sweep(tmp_path / "sweep.yaml", tmp_path / "out", data=demo, tell=lines.append)
    assert [row.variant for row in report.study.rows] == ["base", "fusion=gated"]
    assert report.study.failed == []
    assert report.page.exists()
    assert any(line.startswith("done fusion=gated") for line in lines)


def test_a_sweep_refuses_what_cannot_be(tmp_path):
    with pytest.raises(ConfigError, match="expected a whole number of at least 1, got 0"):
        m5kit.sweep(tmp_path / "sweep.yaml", tmp_path / "out", jobs=0)
