"""Two configs with different local plugins live in one process, from the file to the model."""

import os
from textwrap import dedent

import pytest

from m5kit.assembly.model import build_model, build_pipelines
from m5kit.config import check_config, load_config
from m5kit.errors import ConfigError

PLUGIN = """
    from m5kit.api import FUSIONS, Fusion
    from m5kit.fusions.concat import ConcatFusion

    @FUSIONS.register_module("ours")
    class {cls}(ConcatFusion):
        '''A fusion.'''
"""


@pytest.fixture
def config(tmp_path):
    """Writes a config beside a local plugin called ``parts.py``, whose fusion is the class that is named."""

    def write(folder, cls):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "parts.py").write_text(dedent(PLUGIN.format(cls=cls)))
        leaf = tmp_path / folder / "leaf.yaml"
        leaf.write_text("_base_: [../base.yaml]\nplugins: [parts.py]\nfusion: {type: ours}\n")
        return leaf

    (tmp_path / "base.yaml").write_text(
        dedent("""
            input_numbers: {decoder: {type: features}, transform: {type: features, width: 4, max_tokens: 2}}
            encoder_numbers: {type: features, layers: 1, heads: 1}
            model: {dim: 8, features: 8}
            harmonizer: {type: uniform}
            task_numbers: {type: masked_features, modality: numbers}
        """)
    )
    return write


def fusion_of(config):
    transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
    return type(build_model(config, transforms, {}).backbone.fusion)


def test_configs_are_loaded_checked_and_built_in_any_order(config):
    before = dict(os.environ)
    paths = [config("one", "One"), config("two", "Two")]
    resolved = [load_config(path) for path in paths]
    checked = [check_config(each) for each in resolved]
    assert [fusion_of(each).__name__ for each in reversed(checked)] == ["Two", "One"]
    assert fusion_of(check_config(resolved[0])) is fusion_of(checked[0])
    assert dict(os.environ) == before


def test_a_config_without_plugins_does_not_find_those_of_the_one_before(config, tmp_path):
    fusion_of(check_config(load_config(config("one", "One"))))
    leaf = tmp_path / "leaf.yaml"
    leaf.write_text("_base_: [base.yaml]\nfusion: {type: ours}\n")
    with pytest.raises(ConfigError, match=r"fusion.type: no fusion is named 'ours'"):
        check_config(load_config(leaf))
