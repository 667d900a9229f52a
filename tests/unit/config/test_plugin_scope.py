"""What a config may say about plugins, and who may say it."""

import os
from pathlib import Path

import pytest

from m5kit import plugins
from m5kit.config import load_config
from m5kit.errors import ConfigError
from m5kit.permissions import LOCAL_PLUGINS, allowing
from m5kit.plugins.known import remember
from m5kit.plugins.scope import LocalFile
from m5kit.registry import FUSIONS

LOCAL = """
    from m5kit.api import FUSIONS, Fusion

    @FUSIONS.register_module("homemade")
    class Homemade(Fusion):
        '''A fusion.'''
"""


@pytest.fixture(autouse=True)
def environment():
    """Nothing here may change it."""
    before = dict(os.environ)
    yield
    after = dict(os.environ)
    del before["PYTEST_CURRENT_TEST"], after["PYTEST_CURRENT_TEST"]  # pytest writes there which phase it is in
    assert after == before
    plugins.refresh()


def test_a_local_file_is_relative_to_the_config_that_names_it(write, tmp_path):
    write("deep/mine.py", LOCAL)
    resolved = load_config(write("deep/leaf.yaml", "plugins: [./mine.py]"))
    assert resolved.values["plugins"] == {"allow": None, "local": [str(tmp_path / "deep/mine.py")]}
    assert plugins.find("fusions", "homemade", resolved.plugins).local
    assert resolved.plugins.environment()[plugins.LOCAL_VARIABLE] == str(tmp_path / "deep/mine.py")
    assert plugins.LOCAL_VARIABLE not in os.environ


def test_what_the_command_line_names_is_relative_to_the_working_directory(write, tmp_path):
    write("mine.py", LOCAL)
    resolved = load_config(write("deep/leaf.yaml", "seed: 1"), overrides=["plugins.local=[mine.py]"])
    assert plugins.find("fusions", "homemade", resolved.plugins).distribution == str(tmp_path / "mine.py")


def test_the_next_config_starts_afresh(write):
    write("mine.py", LOCAL)
    one = load_config(write("one.yaml", "plugins: {local: [mine.py], allow: []}"))
    two = load_config(write("two.yaml", "seed: 1"))
    assert plugins.find("fusions", "homemade", two.plugins) is None
    assert plugins.find("fusions", "homemade", one.plugins).local
    assert plugins.find("fusions", "homemade") is None
    assert plugins.LOCAL_VARIABLE not in os.environ


def test_a_config_narrows_what_is_allowed_before_anything_is_looked_up(write, tmp_path, monkeypatch):
    site = tmp_path / "site"
    piece = site / "trust_shipped/_base_/fusion/shipped.yaml"
    piece.parent.mkdir(parents=True)
    piece.write_text("fusion: {type: concat}\n")
    info = site / "m5kit_shipped-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: m5kit-shipped\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[m5kit.v1.configs]\nshipped = trust_shipped\n")
    (site / "trust_shipped/__init__.py").write_text("")
    monkeypatch.syspath_prepend(site)
    plugins.refresh()
    load_config(write("open.yaml", "_base_: [fusion/shipped]"))
    with pytest.raises(ConfigError, match="no piece is named 'shipped'"):
        load_config(write("closed.yaml", "_base_: [fusion/shipped]\nplugins: {allow: []}"))
    leaf = site / "trust_shipped/leaf.yaml"
    leaf.write_text("plugins: [./code.py]\n")
    with pytest.raises(ConfigError, match=r"leaf.yaml comes with m5kit-shipped 1.0; only your own config may"):
        load_config(leaf)
    with pytest.raises(ConfigError, match=r"only your own config may"):
        load_config(write("mine.yaml", f"_base_: [{leaf}]"))


def test_no_piece_may_name_plugins(write):
    write("_base_/plugins/sly.yaml", "plugins: {local: [code.py]}")
    with pytest.raises(ConfigError, match=r"plugins: no piece may name plugins; write plugins.local=\[FILE\]"):
        load_config(write("leaf.yaml", "_base_: [plugins/sly]"))
    with pytest.raises(ConfigError, match="no piece may name plugins"):
        load_config(write("leaf.yaml", "seed: 1"), overrides=["plugins=sly"])


def test_a_shipped_config_may_not_stand_on_files_elsewhere(write, tmp_path, monkeypatch):
    site = tmp_path / "site"
    write("site/trust_far/configs/leaf.yaml", "_base_: [../sly.yaml]")
    write("site/trust_far/configs/fair.yaml", "_base_: [near.yaml]")
    write("site/trust_far/configs/near.yaml", "seed: 7")
    write("site/trust_far/sly.yaml", "plugins: [./code.py]")
    write("site/m5kit_far-1.0.dist-info/METADATA", "Name: m5kit-far\nVersion: 1.0\n")
    write("site/m5kit_far-1.0.dist-info/entry_points.txt", "[m5kit.v1.configs]\nfar = trust_far.configs\n")
    monkeypatch.syspath_prepend(site)
    plugins.refresh()
    assert load_config("fair").values["seed"] == 7
    expected = (
        r"sly.yaml is a base of .*leaf.yaml, which comes with m5kit-far 1.0 and may stand on shipped configs only"
    )
    with pytest.raises(ConfigError, match=expected):
        load_config("leaf")
    with pytest.raises(ConfigError, match=expected):
        load_config(write("mine.yaml", f"_base_: [{site}/trust_far/configs/leaf.yaml]"))


def test_what_a_run_folder_says_cannot_lead_beside_it(write, tmp_path):
    write("bundle/mine.py", LOCAL)
    write("bundle/sly.yaml", "plugins: [./mine.py]")
    write("bundle/run/provenance.json", "{}")
    config = write("bundle/run/config.yaml", "plugins: [../mine.py]")
    with pytest.raises(ConfigError, match=r"the run folder .*run leads to code by a relative path or a link, ../mine"):
        load_config(config)
    (tmp_path / "link").symlink_to(tmp_path / "bundle")
    write("bundle/run/config.yaml", f"plugins: [{tmp_path}/link/mine.py]")
    with pytest.raises(ConfigError, match=r"by a relative path or a link, .*link/mine.py; write it in full"):
        load_config(config)
    write("bundle/run/config.yaml", "_base_: [../sly.yaml]")
    with pytest.raises(ConfigError, match=r"run/config.yaml is of a run, so it needs no base; take .*sly.yaml away"):
        load_config(config)
    assert plugins.LOCAL_VARIABLE not in os.environ


def test_a_run_folder_names_code_only_if_its_user_trained_with_it_or_the_caller_allows_it(write, tmp_path):
    code = str(tmp_path / write("bundle/mine.py", LOCAL))
    write("bundle/run/provenance.json", "{}")
    config = write("bundle/run/config.yaml", f"plugins: [{code}]")
    with pytest.raises(
        ConfigError, match=r"names code .*bundle/mine.py; nothing of it was run.* add --allow-local-plugins"
    ):
        load_config(config)
    with pytest.raises(ConfigError, match="nothing of it was run"):
        load_config(write("mine.yaml", f"_base_: [{config}]"))
    with allowing(LOCAL_PLUGINS):
        assert load_config(config).values["plugins"]["local"] == [code]
    remember([LocalFile.at(code)])
    assert load_config(config).values["plugins"]["local"] == [code]


def test_a_run_folder_may_not_bring_code(write):
    write("run/mine.py", LOCAL)
    write("run/provenance.json", "{}")
    config = write("run/config.yaml", f"plugins: {{local: [{Path('run/mine.py').resolve()}]}}")
    with pytest.raises(ConfigError, match=r"the run folder .*run brings code, .*mine.py; move it out first"):
        load_config(config)
    assert plugins.LOCAL_VARIABLE not in os.environ


def test_what_the_user_has_set_stays_and_counts_beside_what_the_config_names(write, tmp_path, monkeypatch):
    write("ours.py", LOCAL.replace("homemade", "ours"))
    write("mine.py", LOCAL)
    monkeypatch.setenv(plugins.LOCAL_VARIABLE, str(tmp_path / "ours.py"))
    one = load_config(write("one.yaml", "plugins: [mine.py]"))
    assert os.environ[plugins.LOCAL_VARIABLE] == str(tmp_path / "ours.py")
    assert {"homemade", "ours"} <= set(FUSIONS.names(one.plugins))
    assert {"homemade", "ours"} & set(FUSIONS.names()) == {"ours"}
    monkeypatch.undo()


def test_a_shipped_config_gains_no_rights_by_not_being_allowed(write, tmp_path, monkeypatch):
    write("site/trust_shut/configs/leaf.yaml", "plugins: [./code.py]")
    write("site/m5kit_shut-1.0.dist-info/METADATA", "Name: m5kit-shut\nVersion: 1.0\n")
    write("site/m5kit_shut-1.0.dist-info/entry_points.txt", "[m5kit.v1.configs]\nshut = trust_shut.configs\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    plugins.refresh()
    mine = write("mine.yaml", "_base_: [site/trust_shut/configs/leaf.yaml]\nplugins: {allow: []}")
    with pytest.raises(ConfigError, match=r"leaf.yaml comes with m5kit-shut 1.0; only your own config may"):
        load_config(mine)
