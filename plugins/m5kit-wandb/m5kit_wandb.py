"""The logged values and the config of a training run in Weights & Biases."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from m5kit.api import HOOKS, ConfigError, Hook, Training

RUN = "wandb_run.txt"
"""The file of the run folder that holds the id of the run, so that a resumed run goes on there."""


@HOOKS.register_module("wandb")
class WandbHook(Hook):
    """Logs the values of ``metrics.jsonl`` by step, and the config.

    What the terminal shows is not captured, and no random number is drawn. A run that fails is marked as crashed by
    W&B; resumed, it goes on there.

    Args:
        project: its name.
        name: of the run; None for the name of the run folder.
        entity: user or team; None for the own one.
        group: of runs that belong together, such as the seeds of one variant.
        tags: of the run.
        mode: ``offline`` writes into the run folder, to be sent by ``wandb sync``; None for ``WANDB_MODE``.
    """

    def __init__(
        self,
        *,
        project: str = "m5kit",
        name: str | None = None,
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        mode: Literal["online", "offline", "disabled"] | None = None,
    ) -> None:
        self.project, self.name, self.entity, self.group = project, name, entity, group
        self.tags, self.mode = list(tags), mode
        self._run: Any = None

    def before_train(self, training: Training) -> None:
        """Begin a run, or go on with that of the run folder.

        Raises:
            ConfigError: nobody is logged in, or the service cannot be reached.
        """
        import wandb  # it looks around on the machine when it is imported

        file = training.folder / RUN
        if not file.exists():
            file.write_text(secrets.token_hex(4), encoding="utf-8")
        try:
            self._run = wandb.init(
                project=self.project,
                name=self.name or training.folder.name,
                entity=self.entity,
                group=self.group,
                tags=self.tags or None,
                mode=self.mode,
                id=file.read_text(encoding="utf-8").strip(),
                resume="allow",
                dir=str(training.folder),
                config=_config(training.folder),
                settings=wandb.Settings(console="off", silent=True, save_code=False),
            )
        except wandb.errors.Error as error:
            raise ConfigError([f"hook 'wandb': {error}; log in with `wandb login`, or set mode: offline"]) from error

    def after_figures(self, training: Training, figures: Mapping[str, float]) -> None:
        """Log the values of a step, under their names in ``metrics.jsonl``."""
        self._run.log(dict(figures), step=training.step)

    def after_train(self, training: Training) -> None:
        """End the run; one that was stopped is no failure."""
        if training.stopped:
            self._run.summary["stopped"] = training.stopped
        self._run.finish(exit_code=0)

    @classmethod
    def example(cls) -> dict[str, Any]:
        """What makes a hook that sends nothing."""
        return {"mode": "offline"}


def _config(folder: Path) -> Any:
    """The config of the run; nothing where there is none."""
    import yaml

    file = folder / "config.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
