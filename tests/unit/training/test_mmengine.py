"""Opening the door to mmengine brings nothing that m5kit does not use, and takes nothing away."""

import os
import subprocess
import sys


def _run(code: str, **environment: str) -> str:
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


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


def test_a_half_written_cache_of_yapf_does_not_matter(tmp_path):
    # what a second process finds while a first one, the first on this machine, writes it
    _run("import yapf", XDG_CACHE_HOME=str(tmp_path))
    pickles = list(tmp_path.rglob("*.pickle"))
    assert pickles
    for pickle in pickles:
        pickle.write_bytes(b"")
    said = _run("import sys, m5kit.training.mmengine; print('yapf' in sys.modules)", XDG_CACHE_HOME=str(tmp_path))
    assert said.strip() == "False"


def test_configs_of_mmengine_are_formatted_as_ever():
    code = "import m5kit.training.mmengine; from mmengine import Config; print(Config({'a': {'b': 1}}).pretty_text)"
    assert _run(code).strip() == "a = dict(b=1)"
