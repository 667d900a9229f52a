"""Opening the door to mmengine brings nothing that m5kit does not use, and takes nothing away."""

import subprocess
import sys


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_training_starts_without_the_libraries_of_pretrained_networks():
    heavy = "'transformers', 'peft', 'torchvision', 'sklearn', 'matplotlib', 'sympy', 'torch.distributed.fsdp'"
    said = _run(f"import sys, m5kit.training.run; print([m for m in ({heavy}) if m in sys.modules])")
    assert said.strip() == "[]"


def test_transformers_can_be_imported_afterwards_and_before():
    for order in ("import m5kit.training.mmengine, transformers", "import transformers, m5kit.training.mmengine"):
        assert _run(f"{order}; print(transformers.BertConfig().model_type)").strip() == "bert"


def test_sharded_models_can_be_imported_afterwards():
    code = "import m5kit.training.mmengine; from mmengine.model.wrappers.fully_sharded_distributed import *"
    assert _run(f"{code}; print(MMFullyShardedDataParallel.__mro__[1].__name__)").strip() == "FullyShardedDataParallel"
