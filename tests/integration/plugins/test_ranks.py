"""Every rank of a distributed job finds the same plugins, installed ones and local files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[3] / "configs/demo/scale.yaml"
RANK = """
import sys
import torch.distributed as dist
from m5kit.config import check_config, load_config
from m5kit.registry import FUSIONS

dist.init_process_group("gloo")
config = check_config(load_config(sys.argv[1]))
fusion = FUSIONS.build(config.fusion, config.plugins, dim=8, modalities=("a", "b"))
local = FUSIONS.get("mine", config.plugins)
found = [None, None]
dist.all_gather_object(found, [type(fusion).__module__, local.__module__.rpartition("_")[0]])
if dist.get_rank() == 0:
    print("found", found)
dist.destroy_process_group()
"""
LOCAL = """
from m5kit.api import FUSIONS, Fusion

@FUSIONS.register_module("mine")
class Mine(Fusion):
    '''A fusion.'''
"""


@pytest.mark.slow
def test_two_ranks_build_the_same_parts(examples, tmp_path):
    (tmp_path / "rank.py").write_text(RANK)
    (tmp_path / "zoo_mine.py").write_text(LOCAL)
    leaf = {"_base_": [str(DEMO), "fusion/mbt"], "plugins": ["./zoo_mine.py"]}
    (tmp_path / "leaf.yaml").write_text(json.dumps(leaf))
    ranks = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", tmp_path / "rank.py"]
    command = [sys.executable, *map(str, ranks), str(tmp_path / "leaf.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    both = [["m5kit_fusion_mbt", "m5kit.plugins.local.zoo_mine"]] * 2
    assert f"found {both}" in done.stdout
