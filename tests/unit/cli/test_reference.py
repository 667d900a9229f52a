"""Reference pages come from the registries."""

from pathlib import Path

import pytest

from m5kit import api, plugins
from m5kit.cli import main
from m5kit.cli.reference import api_groups
from m5kit.registry import FAMILIES


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    assert main(["reference", str(folder)]) == 0
    return {path.stem: path.read_text() for path in folder.iterdir()}


def test_every_part_has_its_place(pages):
    assert pages.keys() == {*FAMILIES, "api"}
    for family, registry in FAMILIES.items():
        assert all(f"\n## {name}\n" in pages[family] for name in registry.built_ins)


def test_a_part_is_shown_with_arguments_and_documentation(pages):
    concat = pages["fusions"].partition("## concat")[2].partition("\n## ")[0]
    assert "*built-in*" in concat
    assert "| `dropout` | float >= 0 < 1 | `0.1` |" in concat
    assert "Late fusion by concatenation" in concat


def test_a_short_name_of_a_type_says_what_it_is_short_for(pages):
    assert "### `Result`\n\nShort for `Mapping[str, MetricValue]`.\n" in pages["api"]


def test_the_page_of_the_docs_is_the_one_that_is_made_today(pages):
    """After a change of a public docstring: m5kit reference DIR, then DIR/api.md becomes docs/plugins/api.md."""
    assert pages["api"] == (Path(__file__).parents[3] / "docs/plugins/api.md").read_text(encoding="utf-8")


def test_every_public_name_is_in_one_group():
    assert sorted(name for names in api_groups().values() for name in names) == sorted(api.__all__)


def test_a_plugin_that_cannot_be_used_says_why_on_its_page(tmp_path, monkeypatch):
    part = plugins.PluginPart("fusions", "shiny", "m5kit-gone", "1.0", 1, "no_such_module:Shiny")
    monkeypatch.setattr(plugins, "discover", lambda scope=None: {"fusions": (part,)})
    main(["reference", str(tmp_path)])
    shiny = (tmp_path / "fusions.md").read_text().partition("## shiny")[2]
    assert "*m5kit-gone 1.0*" in shiny
    assert "It cannot be used: the plugin m5kit-gone 1.0 cannot provide the fusion 'shiny'" in shiny
