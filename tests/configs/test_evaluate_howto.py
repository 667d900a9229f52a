"""The tasks that the how-to on evaluation shows are right, and so is the list of everything."""

from pathlib import Path

import pytest
import yaml

from m5kit.config import check_config, dump, load_config
from m5kit.inference.evaluation import build_metric

ROOT = Path(__file__).parents[2]
BLOCKS = (ROOT / "docs/howto/evaluate.md").read_text(encoding="utf-8").split("```yaml\n")[1:]
TASKS = {name: task for block in BLOCKS for name, task in yaml.safe_load(block.split("```")[0])["evaluation"].items()}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_of_the_page_passes_the_check_and_can_be_built(name, tmp_path):
    whole = yaml.safe_load(dump(load_config("demo/scale"))) | {"evaluation": {name: TASKS[name]}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(whole))
    config = check_config(load_config(tmp_path / "config.yaml"))
    assert build_metric(config.evaluation[name], sorted(config.encoders)).requests()


def test_the_list_of_everything_can_be_built():
    config = check_config(load_config("demo/scale", ["evaluation=full"]))
    types = {task["type"] for task in config.evaluation.values()}
    assert {"retrieval", "cross_modal", "zero_shot", "attributes", "robustness", "probe", "knn", "clustering"} == types
    for task in config.evaluation.values():
        assert build_metric(task, sorted(config.encoders)).requests()


def test_a_mistake_in_a_task_inside_of_a_task_is_found_before_training():
    with pytest.raises(Exception, match=r"evaluation.missing.task.depth: unknown key"):
        check_config(load_config("demo/scale", ["evaluation=full", "evaluation.missing.task.depth=3"]))
