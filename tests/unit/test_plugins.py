"""Discovery, allow-lists, strict mode and local files; the distributions are written into a temporary folder."""

import os
import pickle
import subprocess
import sys
from textwrap import dedent

import pytest

from m5kit import plugins
from m5kit.errors import PluginError, UnknownComponentError
from m5kit.plugins import PluginScope
from m5kit.plugins.local import PREFIX, module_name
from m5kit.plugins.scope import LocalFile
from m5kit.registry import FUSIONS


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a made-up distribution: a metadata folder, and modules by name."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv(plugins.ALLOW_VARIABLE, raising=False)
    before = set(sys.modules)

    def install(name, entry_points, version="1.0", **modules):
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nAbout it.\n")
        (info / "entry_points.txt").write_text(dedent(entry_points))
        for module, source in modules.items():
            (site / f"{module}.py").write_text(dedent(source))
        plugins.refresh()

    yield install
    plugins.refresh()
    for name in set(sys.modules) - before:
        if name.startswith(("zoo_", PREFIX)):
            del sys.modules[name]


GOOD = """
    from m5kit.api import Fusion

    class Shiny(Fusion):
        '''A fusion.'''
"""
ENTRY = """
    [m5kit.v1.fusions]
    shiny = zoo_good:Shiny
"""


def names(family="fusions", scope=None):
    return [f"{part.distribution}:{part.name}" for part in plugins.discover(scope).get(family, ())]


def scope_of(*files):
    return PluginScope.from_environment().with_files(files)


def test_a_part_is_found_without_importing_it(installed):
    installed("m5kit-good", ENTRY, zoo_good=GOOD)
    part = plugins.find("fusions", "shiny")
    assert (part.label, part.target, part.api) == ("m5kit-good 1.0", "zoo_good:Shiny", 1)
    assert "shiny" in FUSIONS.names()
    assert "zoo_good" not in sys.modules
    assert FUSIONS.get("shiny").__name__ == FUSIONS.get("m5kit-good:shiny").__name__ == "Shiny"


def test_other_groups_of_a_distribution_are_not_m5kits(installed):
    installed("m5kit-good", ENTRY + "\n[console_scripts]\nshine = zoo_good:main\n[m5kit.fusions]\nold = zoo_good:Old\n")
    assert names() == ["m5kit-good:shiny"]


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(installed, tmp_path, monkeypatch):
    installed("m5kit-good", ENTRY)
    nearer = tmp_path / "nearer"
    info = nearer / "M5kit_Good-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: M5kit_Good\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(dedent(ENTRY))
    monkeypatch.syspath_prepend(nearer)
    plugins.refresh()
    assert plugins.find("fusions", "shiny").version == "2.0"


@pytest.mark.parametrize(
    ("variable", "allow", "expected"),
    [
        (None, None, ["m5kit-bad:shiny", "m5kit-good:shiny"]),
        ("", None, []),
        ("M5kit_Good", None, ["m5kit-good:shiny"]),
        ("m5kit-good, m5kit-bad", ["m5kit.bad"], ["m5kit-bad:shiny"]),
        ("m5kit-good", ["m5kit-bad"], []),
        (None, [], []),
    ],
)
def test_only_what_environment_and_config_both_allow_is_seen(installed, monkeypatch, variable, allow, expected):
    installed("m5kit-good", ENTRY)
    installed("m5kit-bad", ENTRY)
    if variable is not None:
        monkeypatch.setenv(plugins.ALLOW_VARIABLE, variable)
    assert names(scope=PluginScope.from_environment().narrowed(allow)) == expected


def test_what_one_scope_allows_is_nothing_to_another(installed):
    installed("m5kit-good", ENTRY)
    closed = PluginScope().narrowed([])
    assert names(scope=closed) == []
    assert names() == names(scope=PluginScope()) == ["m5kit-good:shiny"]
    assert names(scope=closed) == []


def test_two_distributions_with_one_name_are_told_apart_by_distribution(installed):
    installed("m5kit-good", ENTRY, zoo_good=GOOD)
    installed("m5kit-bad", ENTRY.replace("zoo_good", "zoo_bad"), zoo_bad=GOOD)
    with pytest.raises(
        PluginError, match="2 plugins publish the fusion 'shiny'; write m5kit-bad:shiny or m5kit-good:s"
    ):
        FUSIONS.get("shiny")
    assert FUSIONS.get("m5kit-bad:shiny").__module__ == "zoo_bad"
    assert FUSIONS.get("M5kit_Good:shiny").__module__ == "zoo_good"


def test_another_api_version_is_said_so(installed):
    installed("m5kit-late", ENTRY.replace("v1", "v2"))
    with pytest.raises(
        PluginError, match=r"m5kit-late 1.0 publishes .* for m5kit API v2, this is v1; install a version"
    ):
        FUSIONS.get("shiny")
    assert plugins.problems() == (
        "m5kit-late 1.0: the fusion 'shiny' is made for m5kit API v2, this is v1; install a version made for it",
    )
    assert "shiny" not in FUSIONS.names()


def test_unreadable_entry_points_are_a_problem_and_hide_nothing_else(installed):
    installed("m5kit-torn", "[m5kit.v1.fusions]\nthis line has no sign\n[[[")
    installed("m5kit-good", ENTRY)
    assert names() == ["m5kit-good:shiny"]
    (problem,) = plugins.problems()
    assert problem.startswith("m5kit-torn 1.0: its entry points cannot be read (")
    assert problem.endswith("; reinstall it")


def test_strict_mode_refuses_to_go_on_with_anything_broken(installed, monkeypatch):
    installed("m5kit-late", ENTRY.replace("v1", "v2"))
    installed("m5kit-good", ENTRY)
    monkeypatch.setenv(plugins.STRICT_VARIABLE, "1")
    with pytest.raises(PluginError, match=r"M5KIT_STRICT_PLUGINS is set and 1 plugins are broken:\n  m5kit-late 1.0"):
        plugins.discover()
    monkeypatch.setenv(plugins.ALLOW_VARIABLE, "m5kit-good")
    assert names() == ["m5kit-good:shiny"]


def test_a_part_is_what_its_target_says(installed):
    installed("m5kit-good", ENTRY.replace("Shiny", "CONSTANT"), zoo_good="CONSTANT = 3")
    with pytest.raises(PluginError, match=r"m5kit-good 1.0 .*zoo_good:CONSTANT is 3, not a class\nfix or update it"):
        FUSIONS.get("shiny")


LOCAL = """
    from m5kit.api import FUSIONS, Fusion

    @FUSIONS.register_module("homemade")
    class Homemade(Fusion):
        '''A fusion.'''
"""


@pytest.fixture
def local(installed, tmp_path):
    def write(name, source=LOCAL):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source))
        return str(path)

    return write


def test_a_local_file_publishes_what_it_registers_and_is_imported_when_named(local):
    path = local("zoo_mine.py")
    scope = scope_of(path)
    part = plugins.find("fusions", "homemade", scope)
    module, _, cls = part.target.partition(":")
    assert (part.distribution, part.local, cls) == (path, True, "Homemade")
    assert module.startswith("m5kit.plugins.local.zoo_mine_")
    assert module not in sys.modules
    assert FUSIONS.get("homemade", scope).__name__ == "Homemade"


def test_a_part_of_a_local_file_is_found_again_by_another_process(local, tmp_path):
    scope = scope_of(local("zoo_mine.py", "class Decoder:\n    x = 7\n" + dedent(LOCAL)))
    mine = sys.modules[FUSIONS.get("homemade", scope).__module__]
    stored = tmp_path / "stored"
    stored.write_bytes(pickle.dumps(mine.Decoder()))
    source = f"import pickle, pathlib; print(pickle.loads(pathlib.Path({str(stored)!r}).read_bytes()).x)"
    command = [sys.executable, "-c", source]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=scope.environment())
    assert (answer.stdout, answer.stderr) == ("7\n", "")
    with scope.exported():
        assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "7\n"


@pytest.mark.parametrize(
    ("name", "source", "text"),
    [
        ("zoo_a.py", "x = (", "zoo_a.py is not Python: line 1: '\\(' was never closed"),
        ("zoo_a.py", "x = 1", "zoo_a.py registers nothing; write @FUSIONS.register_module"),
        ("zoo-a.py", LOCAL, "zoo-a.py cannot be imported by that name; use letters, digits and _"),
    ],
)
def test_a_local_file_that_cannot_be_used_is_named(local, name, source, text):
    with pytest.raises(PluginError, match=text):
        plugins.discover(scope_of(local(name, source)))


def test_a_missing_local_file_is_named(installed, tmp_path):
    with pytest.raises(PluginError, match=r"cannot read the local plugin .*gone.py: no such file"):
        plugins.discover(scope_of(str(tmp_path / "gone.py")))


def test_a_pipe_is_not_waited_for_and_a_link_to_itself_is_named(installed, tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(PluginError, match=r"pipe.py is no regular file"):
        plugins.discover(scope_of(str(tmp_path / "pipe.py")))
    (tmp_path / "loop.py").symlink_to("loop.py")
    with pytest.raises(PluginError, match=r"loop.py: too many levels of symbolic links"):
        plugins.discover(scope_of(str(tmp_path / "loop.py")))


def test_two_local_files_of_one_name_are_refused(local):
    with pytest.raises(PluginError, match=r"two local plugins are called zoo_mine.py"):
        plugins.discover(scope_of(local("zoo_mine.py"), local("other/zoo_mine.py")))


def test_only_files_that_are_named_can_be_imported(local, tmp_path):
    neighbour = LocalFile.at(local("zoo_neighbour.py", "x = 1"))
    with plugins.in_use(scope_of(local("zoo_mine.py"))), pytest.raises(ModuleNotFoundError):
        __import__(module_name(neighbour))


OTHER = LOCAL.replace("Homemade", "Another")


def test_two_scopes_give_one_name_to_different_classes_in_any_order(local):
    first, second = scope_of(local("zoo_mine.py")), scope_of(local("other/zoo_mine.py", OTHER))
    for _ in range(2):
        assert FUSIONS.get("homemade", second).__name__ == "Another"
        assert FUSIONS.get("homemade", first).__name__ == "Homemade"
    assert FUSIONS.get("homemade", first) is FUSIONS.get("homemade", first)
    with pytest.raises(UnknownComponentError, match="no fusion is named 'homemade'"):
        FUSIONS.get("homemade")
    assert "homemade" in FUSIONS.names(first)
    assert "homemade" not in FUSIONS.names()


def test_an_edited_file_is_another_one_and_an_old_scope_says_so(local):
    before = scope_of(local("zoo_mine.py"))
    after = scope_of(local("zoo_mine.py", OTHER))
    assert FUSIONS.get("homemade", after).__name__ == "Another"
    with pytest.raises(PluginError, match=r"zoo_mine.py was changed since the config was loaded; start again"):
        FUSIONS.get("homemade", before)


def test_the_classes_of_an_imported_plugin_are_unknown_to_a_scope_without_it(installed):
    registering = GOOD.replace("Fusion\n", "FUSIONS, Fusion\n", 1).replace(
        "class", '@FUSIONS.register_module("shiny")\n    class'
    )
    installed("m5kit-good", ENTRY, zoo_good=registering)
    assert FUSIONS.get("shiny").__module__ == "zoo_good"
    with pytest.raises(UnknownComponentError):
        FUSIONS.get("shiny", PluginScope().narrowed([]))


def test_nothing_is_left_beside_a_local_file(local, tmp_path):
    FUSIONS.get("homemade", scope_of(local("zoo_mine.py")))
    assert not (tmp_path / "__pycache__").exists()
