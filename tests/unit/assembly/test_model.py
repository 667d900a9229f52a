import pytest
import torch

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model, build_pipelines
from m5kit.config import check_config, load_config
from m5kit.data.demo.make import make_demo
from m5kit.errors import ConfigError


def begun(data, *overrides):
    """The initial weights of a model."""
    config = check_config(load_config("demo/scale", ["data.workers=0", "data.item_seconds=null", *overrides], data))
    fitted = RunData.fitted(config)
    torch.manual_seed(config.seed)
    return build_model(config, fitted.transforms, fitted.classes).state_dict()


def test_a_part_begins_with_the_same_weights_whatever_other_parts_there_are(tmp_path):
    make_demo(tmp_path / "demo", items=60, seed=1)
    every = begun(tmp_path / "demo")
    fewer = begun(tmp_path / "demo", "encoder_audio=none", "task_completion=none")
    own = ("backbone.encoders.", "backbone.projections.", "backbone.vectors.", "backbone.items.", "tasks.")
    shared = [name for name in fewer if name.startswith(own)]
    assert len(shared) > 100
    assert [name for name in shared if not torch.equal(fewer[name], every[name])] == []


def test_ids_bear_no_noise_and_numbers_as_much_as_the_config_says():
    noisy = check_config(load_config("demo/scale", ["data.noise={audio: 0.5, image: 0.25}"]))
    assert {m: pipeline.noise for m, pipeline in build_pipelines(noisy).items() if pipeline.noise} == {
        "audio": 0.5,
        "image": 0.25,
    }
    with pytest.raises(ConfigError, match=r"data\.noise\.text: text is ids here"):
        build_pipelines(check_config(load_config("demo/scale", ["data.noise.text=0.5"])))
