"""The hook writes into a store of files, the real client's; no server is needed."""

import pytest
import torch

pytest.importorskip("mlflow")
from m5kit_mlflow import RUN, MlflowHook, flat
from mlflow import MlflowClient

from m5kit.api import ConfigError, Training
from m5kit.testing import check_hook


@pytest.fixture(autouse=True)
def store(monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")


@pytest.fixture
def training(tmp_path):
    folder = tmp_path / "shop-3"
    folder.mkdir()
    (folder / "config.yaml").write_text("seed: 7\nmodel: {dim: 16}\n")
    return Training(torch.nn.Linear(1, 1), folder, max_steps=10)


def test_it_keeps_the_contract():
    assert check_hook(MlflowHook).ran > 5


def test_figures_parameters_and_the_config_are_found_there(training, tmp_path):
    uri = (tmp_path / "store").as_uri()
    hook = MlflowHook(tracking=uri, experiment="shop", tags={"team": "search"})
    hook.before_train(training)
    for training.step in (2, 4):
        hook.after_figures(training, {"loss/contrastive": 1.0 / training.step, "lr": 0.1})
    hook.after_train(training)
    client = MlflowClient(tracking_uri=uri)
    [run] = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    assert (run.info.run_name, run.info.status) == ("shop-3", "FINISHED")
    assert run.data.params == {"seed": "7", "model.dim": "16"}
    assert run.data.tags["team"] == "search"
    history = client.get_metric_history(run.info.run_id, "loss/contrastive")
    assert [(each.step, each.value) for each in history] == [(2, 0.5), (4, 0.25)]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["config.yaml"]


def test_a_resumed_run_goes_on_in_the_same_run(training, tmp_path):
    uri = (tmp_path / "store").as_uri()
    for step in (1, 2):
        hook = MlflowHook(tracking=uri)
        hook.before_train(training)
        training.step = step
        hook.after_figures(training, {"loss": float(step)})
        hook.after_train(training)
    client = MlflowClient(tracking_uri=uri)
    [run] = client.search_runs([client.get_experiment_by_name("m5kit").experiment_id])
    assert (training.folder / RUN).read_text() == run.info.run_id
    assert [each.step for each in client.get_metric_history(run.info.run_id, "loss")] == [1, 2]


def test_a_store_that_cannot_be_used_is_a_mistake_of_the_config(training, monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    with pytest.raises(ConfigError, match="hook 'mlflow': cannot log to file:"):
        MlflowHook(tracking=(tmp_path / "store").as_uri()).before_train(training)


def test_why_a_run_was_stopped_is_kept(training, tmp_path):
    uri = (tmp_path / "store").as_uri()
    hook = MlflowHook(tracking=uri)
    hook.before_train(training)
    training.stop("loss has not improved")
    hook.after_train(training)
    run = MlflowClient(tracking_uri=uri).get_run((training.folder / RUN).read_text())
    assert run.data.tags["m5kit.stopped"] == "loss has not improved"


def test_keys_are_dotted():
    assert dict(flat({"a": {"b": {"c": 1}}, "d": [1]})) == {"a.b.c": 1, "d": [1]}
