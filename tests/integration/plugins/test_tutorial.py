"""Every step of the tutorial, as a reader would take it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from m5kit import plugins

TUTORIAL = Path(__file__).parents[3] / "docs/plugins/tutorial.md"
BLOCK = re.compile(r"(?<!<!-- skip -->\n)^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps():
    """What the reader writes, as (file, text), and what the reader runs, as (None, command), in order."""
    for kind, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        if kind == "python":
            first, _, body = text.partition("\n")
            yield first.removeprefix("# file: "), body
        else:
            yield from ((None, line.removeprefix("$ ")) for line in text.splitlines())


def offline(command, site):
    """The reader's pip install, without an index and into a folder of the test."""
    pip = f"{sys.executable} -m pip install --quiet --no-deps --no-build-isolation --target {site} "
    return command.replace("pip install --editable ", pip)


def test_the_tutorial_says_what_it_writes_and_runs():
    found = list(steps())
    assert [file for file, _ in found if file] == ["m5kit-encoder-windows/m5kit_encoder_windows.py", "mine.py"]
    assert sum(file is None for file, _ in found) == 11


@pytest.mark.slow
def test_every_step_works(tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    here = Path(sys.executable).parent
    path = {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    environment = {k: v for k, v in os.environ.items() if k != plugins.ALLOW_VARIABLE} | path
    said = {}
    for file, text in steps():
        if file:
            (work / file).write_text(text)
            continue
        command = offline(text, site)
        done = subprocess.run(
            command, shell=True, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ {text}\n{done.stdout}\n{done.stderr}"
        said[text] = done.stdout
    assert "20 checks ran, 0 failed" in said["m5kit plugins check m5kit-encoder-windows"]
    assert "Windows" in said["m5kit config check demo/scale --data demo --set encoder_text.type=windows"]
    assert "m5kit-encoder-windows" in (work / "run/provenance.json").read_text()
