"""Broken plugins disturb nobody who does not name them, and tell who they are when somebody does."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from m5kit import plugins
from m5kit.cli import _plugins, main
from m5kit.plugins import patience

MARK = """
    import os, pathlib
    (pathlib.Path(os.environ["ZOO_MARKS"]) / __name__).touch()
"""
CLASS = """
    from m5kit.fusions.concat import ConcatFusion

    class Part(ConcatFusion):
        '''A fusion.'''
"""

SOURCES = {
    "import_error": "import no_such_library",
    "os_error": "raise OSError('libfoo.so.3: cannot open shared object file')",
    "runtime_error": "raise RuntimeError('compiled for another CUDA')",
    "syntax_error": "def broken(:",
    "exits": "import sys; sys.exit(4)",
    "missing_class": "x = 1",
    "prints": "print('hello from the plugin')" + CLASS,
    "slow": "import time; time.sleep(0.2)" + CLASS,
    "hangs": "import time; time.sleep(600)",
    "hangs_busily": "while True: pass",
    "hangs_stubbornly": """
    import time

    while True:
        try:
            time.sleep(600)
        except Exception:
            pass
    """,
    "hangs_natively": "sum(range(10**15))",
    "panics": "raise type('PanicException', (BaseException,), {})('called `unwrap` on nothing')",
    "dies": "import os; os._exit(7)",
    "shadows": CLASS,
    "twin_one": CLASS,
    "twin_two": CLASS,
    "catches_all": """
    from m5kit.api import Fusion

    class Part(Fusion):
        def __init__(self, *args, **kwargs): pass
        forward = None
    """,
    "needs_more": CLASS + "\n        def __init__(self, *, colour: str): pass",
    "crashes": CLASS + "\n        def __init__(self): raise OSError('no such device')",
    "no_fusion": "class Part: pass",
    "quits": CLASS + "\n        def forward(self, tokens, weights): import os; os._exit(0)",
    "segfaults": CLASS + "\n        def forward(self, tokens, weights): import ctypes; ctypes.string_at(0)",
    "stalls": CLASS + "\n        def forward(self, tokens, weights): import time; time.sleep(600)",
    "floods": CLASS
    + """
        def forward(self, tokens, weights):
            print("x" * 1_000_000)
            return super().forward(tokens, weights)
    """,
}
"""Source by name of a part; the part's distribution is called ``zoo-NAME``."""

TARGETS = {
    "missing_module": "zoo_gone:Part",
    "function": "os:system",
    "foreign_class": "subprocess:Popen",
    "climbs": "..os:system",
    "slashes": "zoo_a/../../../x:Part",
    "no_class": "zoo_prints",
    "call": "zoo_prints:Part()",
    "spaced": "os; import sys:Part",
}
"""Entry points that lead elsewhere."""

GROUPS = {"late": "m5kit.v2.fusions", "misspelt": "m5kit.v1.fusion"}


@pytest.fixture(scope="module")
def site(tmp_path_factory, distribution):
    folder = tmp_path_factory.mktemp("zoo")
    for name, source in SOURCES.items():
        known_as = {"shadows": "concat", "twin_one": "twin", "twin_two": "twin"}.get(name, name)
        entry = f"[m5kit.v1.fusions]\n{known_as} = zoo_{name}:Part\n"
        first, *rest = source.lstrip("\n").splitlines()
        body = "\n".join(["    " + first.lstrip(), *rest])
        distribution(folder, f"zoo-{name.replace('_', '-')}", entry, {f"zoo_{name}": MARK + body})
    for name, target in TARGETS.items():
        distribution(folder, f"zoo-{name.replace('_', '-')}", f"[m5kit.v1.fusions]\n{name} = {target}\n")
    for name, group in GROUPS.items():
        distribution(folder, f"zoo-{name}", f"[{group}]\n{name} = zoo_prints:Part\n")
    distribution(folder, "zoo-configs", "[m5kit.v1.configs]\na = ..\nb = zoo_a/../..\nc = no_such_package.configs\n")
    nameless = folder / "zoo_nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "entry_points.txt").write_text("[m5kit.v1.fusions]\nnameless = zoo_prints:Part\n")
    return folder


@pytest.fixture
def zoo(site, on_path, tmp_path, monkeypatch):
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("ZOO_MARKS", str(marks))
    on_path(site)
    return lambda: {path.name.removeprefix("zoo_") for path in marks.iterdir()}


def said(capsys, *arguments):
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_help_does_not_see_them(zoo):
    clean = {**os.environ, "PYTHONPATH": ""}
    helps = [
        subprocess.run([sys.executable, "-m", "m5kit", "--help"], env=env, capture_output=True, text=True, check=True)
        for env in (clean, os.environ)
    ]
    assert helps[0].stdout == helps[1].stdout
    assert helps[1].stderr == ""


def test_listing_imports_none_of_them(zoo, capsys):
    status, out, err = said(capsys, "list")
    assert (status, err) == (0, "")
    assert {"concat", "gated", "scale", "import_error", "syntax_error"} <= {
        line.split()[1] for line in out.splitlines()
    }
    assert zoo() == set()


def test_a_config_that_names_none_of_them_is_unaffected(zoo, capsys):
    _, there, _ = said(capsys, "config", "check", "demo/concat")
    assert "demo/concat: no mistakes" in there
    _, shown, _ = said(capsys, "config", "show", "demo/concat")
    _, without, _ = said(capsys, "--no-plugins", "config", "show", "demo/concat")
    assert shown == without
    assert zoo() == set()


NAMED = {
    "import_error": "plugin zoo-import-error 1.0 .*importing zoo_import_error:Part raised ModuleNotFoundError: No",
    "os_error": "plugin zoo-os-error 1.0 .*raised OSError: libfoo.so.3",
    "runtime_error": "plugin zoo-runtime-error 1.0 .*raised RuntimeError: compiled for another CUDA",
    "syntax_error": "plugin zoo-syntax-error 1.0 .*raised SyntaxError",
    "exits": "plugin zoo-exits 1.0 .*raised SystemExit: 4",
    "panics": "plugin zoo-panics 1.0 .*raised PanicException: called `unwrap` on nothing",
    "missing_class": "plugin zoo-missing-class 1.0 .*raised AttributeError: .*has no attribute 'Part'",
    "missing_module": "plugin zoo-missing-module 1.0 .*raised ModuleNotFoundError: No module named 'zoo_gone'",
    "catches_all": "",
    "needs_more": "fusion.colour: is missing; 'needs_more' of the plugin zoo-needs-more 1.0 needs it",
    "crashes": "plugin zoo-crashes 1.0 cannot build its fusion 'crashes': OSError: no such device",
    "no_fusion": "plugin zoo-no-fusion 1.0 .*zoo_no_fusion:Part does not derive from m5kit.api.Fusion",
    "function": "plugin zoo-function 1.0 .*os:system is <built-in function system>, not a class",
    "foreign_class": "plugin zoo-foreign-class 1.0 .*subprocess:Popen does not derive from m5kit.api.Fusion",
    "climbs": "plugin zoo-climbs 1.0 .*an entry point is written package.module:Class",
    "slashes": "plugin zoo-slashes 1.0 .*an entry point is written package.module:Class",
    "no_class": "plugin zoo-no-class 1.0 .*an entry point is written package.module:Class",
    "call": "plugin zoo-call 1.0 .*an entry point is written package.module:Class",
    "spaced": "plugin zoo-spaced 1.0 .*an entry point is written package.module:Class",
    "late": "zoo-late 1.0 publishes the fusion 'late' for m5kit API v2, this is v1; install a version of zoo-late",
    "twin": "2 plugins publish the fusion 'twin'; write zoo-twin-one:twin or zoo-twin-two:twin",
    "misspelt": "no fusion is named 'misspelt'",
}


@pytest.mark.parametrize("name", [name for name, text in NAMED.items() if text])
def test_a_config_that_names_one_gets_a_message_with_its_distribution_and_what_to_do(zoo, capsys, name):
    status, _, err = said(capsys, "config", "check", "demo/concat", "--set", f"fusion.type={name}")
    assert status == 2
    assert re.search(NAMED[name], err.replace("\n", " ")), err
    assert "Traceback" not in err
    if "plugin zoo" in NAMED[name] and name != "needs_more":
        assert f"pip install --upgrade zoo-{name.replace('_', '-')}" in err
    assert zoo() <= {name}


def test_the_name_of_a_built_in_means_the_built_in(zoo, capsys):
    assert "ConcatFusion" in said(capsys, "config", "check", "demo/concat")[1]
    assert zoo() == set()
    assert " Part " in said(capsys, "config", "check", "demo/concat", "--set", "fusion.type=zoo-shadows:concat")[1]


def test_what_a_plugin_prints_does_not_get_into_the_output(zoo, capsys):
    status, out, err = said(capsys, "config", "check", "demo/concat", "--set", "fusion.type=prints")
    assert (status, err) == (0, "hello from the plugin\n")
    assert "hello" not in out


@pytest.mark.parametrize("name", ["hangs", "hangs_busily", "hangs_stubbornly"])
def test_an_import_that_hangs_is_given_up(zoo, capsys, monkeypatch, name):
    monkeypatch.setenv(patience.TIMEOUT_VARIABLE, "0.3")
    status, _, err = said(capsys, "config", "check", "demo/concat", "--set", f"fusion.type={name}")
    assert status == 2
    distribution = f"zoo-{name.replace('_', '-')}"
    assert f"plugin {distribution} 1.0 cannot provide the fusion '{name}'" in err
    assert f"importing zoo_{name}:Part did not end within 0.3 s" in err
    assert f"(pip install --upgrade {distribution})" in err
    assert "if it is only slow, raise M5KIT_PLUGIN_TIMEOUT" in err
    assert "Traceback" not in err


def test_a_slow_import_says_who_is_slow(zoo, capsys, monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.01)  # far below what it takes: on a busy machine a watcher wakes late
    status, _, err = said(capsys, "config", "check", "demo/concat", "--set", "fusion.type=slow")
    assert status == 0
    assert re.search(
        r"importing zoo_slow:Part of the plugin zoo-slow 1.0 has taken 0(\.\d+)? s so far; it is given up", err
    )


def test_no_plugins_means_none(zoo, capsys):
    status, _, err = said(capsys, "--no-plugins", "config", "check", "demo/concat", "--set", "fusion.type=prints")
    assert status == 2
    assert "no fusion is named 'prints'" in err
    assert plugins.ALLOW_VARIABLE not in os.environ  # only for the length of the command
    assert zoo() == set()


def test_the_list_of_plugins_says_what_is_wrong_with_each(zoo, capsys, monkeypatch):
    from m5kit.cli import plugins as verb

    monkeypatch.setattr(verb, "IMPORT_LIMIT", 3.0)
    monkeypatch.setenv(patience.TIMEOUT_VARIABLE, "0.3")
    status, out, _ = said(capsys, "plugins", "list", "--json")
    assert status == 1
    found = json.loads(out)
    problems = {part["distribution"]: part["problem"] for part in found["parts"]}
    assert problems["zoo-prints"] is None
    assert problems["zoo-slow"] is None
    assert "importing zoo_hangs:Part did not end within 0.3 s" in problems["zoo-hangs"]
    assert problems["zoo-hangs-natively"] == "importing zoo_hangs_natively:Part did not end within 3 s"
    assert problems["zoo-dies"] == "importing zoo_dies:Part ended the process (status 7)"
    assert "raised OSError: libfoo.so.3" in problems["zoo-os-error"]
    assert problems["zoo-late"] == "made for m5kit API v2, this is v1; install a version made for it"
    assert problems["zoo-misspelt"] == "m5kit has no family 'fusion'; did its author mean 'fusions'?"
    notes = {part["distribution"]: part["note"] for part in found["parts"]}
    assert notes["zoo-shadows"] == "ok, but m5kit has a 'concat' itself: write zoo-shadows:concat"
    assert notes["zoo-twin-one"] == "ok, but 2 distributions publish this name: write zoo-twin-one:twin"
    assert {part["licence"] for part in found["parts"]} <= {"MIT", ""}


def test_the_list_leaves_out_what_may_not_be_used_damaged_ones_included(site, zoo, capsys, monkeypatch):
    torn = site / "zoo_torn-1.0.dist-info"
    torn.mkdir()
    (torn / "METADATA").write_text("Name: zoo-torn\nVersion: 1.0\n")
    (torn / "entry_points.txt").write_text("[m5kit.v1.fusions]\nthis line has no sign\n[[[")
    plugins.refresh()
    try:
        assert "broken: zoo-torn 1.0: its entry points cannot be read" in said(capsys, "plugins", "list", "--quick")[1]
        monkeypatch.setenv(plugins.ALLOW_VARIABLE, "zoo-prints")
        status, out, _ = said(capsys, "plugins", "list", "--quick")
    finally:
        shutil.rmtree(torn)
    assert status == 0
    assert re.findall(r"zoo-\w+", out) == ["zoo-prints"]


def test_the_kit_ends_what_hangs_and_names_what_is_loose(zoo):
    hangs, loose = (_plugins.named(name)[0] for name in ("zoo-hangs", "zoo-catches-all"))
    passed, report = _plugins.check_part(hangs, 2.0)
    assert not passed
    assert "zoo-hangs 1.0 fusions/hangs: it did not end within 2 s (--limit allows more)\n  fix or update it" in report
    passed, report = _plugins.check_part(loose, 60.0)
    assert not passed
    assert "failed   constructor_is_explicit" in report
    assert "it takes *args; name every argument" in report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "limit", "text"),
    [
        ("quits", 120.0, r"the process ended \(status 0\) before the checks did\n  fix or update it \(pip install"),
        ("segfaults", 120.0, r"the process ended \(SIGSEGV\) before the checks did"),
        ("stalls", 15.0, r"it did not end within 15 s \(--limit allows more\)\n  fix or update it"),
        ("floods", 120.0, r"\d\d checks ran, 0 failed"),
    ],
)
def test_the_kit_survives_what_a_part_does_when_it_runs(zoo, name, limit, text):
    passed, report = _plugins.check_part(_plugins.named(f"zoo-{name}")[0], limit)
    assert passed == (name == "floods")
    assert re.match(f"zoo-{name} 1.0 fusions/{name}: .*{text}", report)
    assert len(report) < 1000


def test_strict_mode_stops_at_the_first_command(zoo, capsys, monkeypatch):
    monkeypatch.setenv(plugins.STRICT_VARIABLE, "1")
    status, _, err = said(capsys, "list")
    assert status == 2
    assert "M5KIT_STRICT_PLUGINS is set and" in err
    assert "zoo-late 1.0: the fusion 'late' is made for m5kit API v2" in err
