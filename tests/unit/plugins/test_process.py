"""Answers come through, whatever else the process does; nothing of it is left."""

import subprocess
import sys
import time

import pytest

from m5kit.plugins.process import TAIL, Answering

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it needs sessions of processes")


def test_what_is_printed_neither_mixes_with_answers_nor_fills_the_memory():
    flood = "print('x' * 10_000_000); os.write(1, b'raw'); os.write(2, b'last'); answers.write(sys.argv[1] + '\\n')"
    with Answering(flood, ["hello"]) as process:
        assert process.answer(60) == "hello\n"
        assert process.answer(60) == ""
        assert process.end() == "status 0"
        assert process.output.endswith("last")
        assert len(process.output) <= TAIL


@pytest.mark.parametrize(
    ("source", "end"),
    [("os._exit(3)", "status 3"), ("import ctypes; ctypes.string_at(0)", "SIGSEGV"), ("input()", "status 1")],
)
def test_how_it_ended_is_told(source, end):
    with Answering(source) as process:
        assert process.answer(60) == ""
        assert process.end() == end


def test_what_hangs_is_killed_with_its_children():
    source = "import subprocess, time; answers.write(f\"{subprocess.Popen(['sleep', '300']).pid}\\n\"); time.sleep(300)"
    with Answering(source) as process:
        child = int(process.answer(60))
        assert process.answer(0.1) is None
        assert is_running(child)
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(pid):
    """Whether there is such a process; one that has ended and waits to be collected does not count."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() != "" and not state.startswith("Z")
