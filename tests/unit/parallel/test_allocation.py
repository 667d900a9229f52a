"""Memory that an operation frees is there for the next one."""

import os
import subprocess
import sys

import pytest

_STEPS = """
import resource, torch
from m5kit.parallel.allocation import keep_freed_memory
torch.set_num_threads(1)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        tensors = [torch.ones(500_000) for _ in range(20)]  # 2 MB each
        del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
kept = keep_freed_memory()
faults()
print(int(kept), faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_pages_are_asked_for_once():
    # a variable of glibc that another part of the tests set would have told it already
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", _STEPS]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=plain).stdout
    kept, faults = map(int, said.split())
    assert kept == 1
    # Given back, these tensors have up to 200,000 pages, unless something happens to lie above them in the heap.
    assert faults < 1000
