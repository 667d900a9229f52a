"""The logged values and the config of a training run in MLflow."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from m5kit.api import HOOKS, ConfigError, Hook, Training

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN = "mlflow_run.txt"
"""The file of the run folder that holds the id of the run in MLflow, so that a resumed run goes on there."""

AT_ONCE = 100
"""Parameters that a server takes in one request."""

LONGEST = 6000
"""Characters of a parameter that MLflow keeps."""


@HOOKS.register_module("mlflow")
class MlflowHook(Hook):
    """Logs the values of ``metrics.jsonl`` as metrics, the config as parameters and as an artifact.

    Nothing is drawn and nothing of MLflow's global state is used, so several runs of a process do not meet. A run that
    fails stays RUNNING in MLflow; resumed, it goes on there.

    Args:
        experiment: its name; made if there is none.
        name: of the run; None for the name of the run folder.
        tracking: address of the server or store; None for ``MLFLOW_TRACKING_URI``, as everywhere in MLflow.
        tags: of the run.
    """

    def __init__(
        self,
        *,
        experiment: str = "m5kit",
        name: str | None = None,
        tracking: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.experiment, self.name, self.tracking, self.tags = experiment, name, tracking, dict(tags or {})
        self._run = ""
        self._client: MlflowClient | None = None

    def before_train(self, training: Training) -> None:
        """Begin a run in MLflow, or go on with that of the run folder.

        Raises:
            ConfigError: the store cannot be used.
        """
        # Imported here: MLflow starts a process for the version of git, which reading a config must not.
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        file = training.folder / RUN
        try:
            self._client = MlflowClient(tracking_uri=self.tracking)
            if file.exists():
                self._run = file.read_text(encoding="utf-8").strip()
                self._client.update_run(self._run, status="RUNNING")
            else:
                self._run = self._begin(self._client, training.folder)
                file.write_text(self._run, encoding="utf-8")
        except MlflowException as error:
            where = self.tracking or "MLFLOW_TRACKING_URI"
            raise ConfigError([f"hook 'mlflow': cannot log to {where}: {error}"]) from error

    def after_figures(self, training: Training, figures: Mapping[str, float]) -> None:
        """Log the values of a step, under their names in ``metrics.jsonl``."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, training.step) for name, value in figures.items()]
        self._known.log_batch(self._run, metrics=metrics)

    def after_train(self, training: Training) -> None:
        """End the run in MLflow; one that was stopped is no failure."""
        if training.stopped:
            self._known.set_tag(self._run, "m5kit.stopped", training.stopped)
        self._known.set_terminated(self._run, "FINISHED")

    @property
    def _known(self) -> "MlflowClient":
        assert self._client is not None
        return self._client

    def _begin(self, client: "MlflowClient", folder: Path) -> str:
        """A new run with the config of the run folder; its id."""
        found = client.get_experiment_by_name(self.experiment)
        experiment = client.create_experiment(self.experiment) if found is None else found.experiment_id
        tags = {"m5kit.folder": str(folder.resolve()), **self.tags}
        run: str = client.create_run(experiment, run_name=self.name or folder.name, tags=tags).info.run_id
        config = folder / "config.yaml"
        if config.exists():
            import yaml
            from mlflow.entities import Param

            values = yaml.safe_load(config.read_text(encoding="utf-8"))
            params = [Param(key, str(value)[:LONGEST]) for key, value in flat(values)]
            for start in range(0, len(params), AT_ONCE):
                client.log_batch(run, params=params[start : start + AT_ONCE])
            client.log_artifact(run, str(config))
        return run

    @classmethod
    def example(cls) -> dict[str, Any]:
        """What makes a hook that needs no server: it logs into a folder."""
        return {"tracking": Path(gettempdir(), "m5kit-mlflow-example").as_uri()}


def flat(values: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """A tree of mappings as pairs of dotted keys and values.

    Example:
        >>> list(flat({"model": {"dim": 8}, "seed": 0}))
        [('model.dim', 8), ('seed', 0)]
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
