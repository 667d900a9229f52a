"""Two hundred installed plugins: the benchmark of the docs runs, and imports none of them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks/plugins.py"


@pytest.mark.slow
def test_two_hundred_plugins_cost_little_and_none_is_imported():
    done = subprocess.run([sys.executable, BENCHMARK, "--repeats", "5"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no plugin was imported" in done.stdout
    figures = {line[:32].strip(): re.findall(r"([\d.]+) ms", line) for line in done.stdout.splitlines()}
    assert {name for name, found in figures.items() if len(found) >= 2} >= {"plugins.discover()", "m5kit --help"}
