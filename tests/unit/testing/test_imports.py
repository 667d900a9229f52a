import sys

import pytest

from m5kit.testing.imports import import_facts


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_what_an_import_does_is_seen_in_one_process_for_all(module):
    names = [
        module("kit_prints", "print('hello')"),
        module(
            "kit_calls_home",
            "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError:\n    pass",
        ),
        module("kit_sleeps", "import time\ntime.sleep(0.2)"),
        module("kit_breaks", "raise OSError('no such library')"),
        module("kit_is_fine", "x = 1"),
    ]
    facts = {name: import_facts(name, names) for name in names}
    assert facts["kit_prints"].output == "hello\n"
    assert "socket.connect" in facts["kit_calls_home"].events
    assert facts["kit_sleeps"].seconds >= 0.2
    assert facts["kit_breaks"].problem == "OSError: no such library"
    assert (facts["kit_is_fine"].events, facts["kit_is_fine"].output, facts["kit_is_fine"].problem) == ((), "", None)
    assert not {"kit_prints", "kit_is_fine"} & sys.modules.keys()


def test_a_module_that_ends_the_process_is_a_problem(module):
    name = module("kit_exits", "import os\nos._exit(3)")
    assert "the process ended with status 3" in import_facts(name).problem
