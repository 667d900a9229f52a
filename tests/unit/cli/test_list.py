"""``m5kit list``: names, summaries and origins, read without importing."""

from pathlib import Path

import pytest

from m5kit import plugins
from m5kit.cli import main


def test_a_family_is_listed_with_the_first_line_of_each_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "harmonizers"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["family", "name", "summary", "origin"]
    assert [row.split()[1] for row in rows] == ["agreement", "graph", "learned", "paper_literal", "uniform"]
    assert "  Weight 1 for whatever is present (row 1 of table 6 in SCALE, CVPR 2022).  " in rows[4]
    assert rows[3].endswith("built-in")


def test_all_families_are_listed_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert {"encoders", "fusions", "tasks", "metrics"} <= {
        row.split()[0] for row in capsys.readouterr().out.splitlines()
    }


def test_plugins_are_listed_with_their_origin_and_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "m5listed"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (package / "shiny.py").write_text('class Shiny:\n    """Very shiny.\n\n    And more.\n    """\n')
    parts = (
        plugins.PluginPart("fusions", "shiny", "m5listed", "1.2", plugins.API_VERSION, "m5listed.shiny:Shiny"),
        plugins.PluginPart("fusions", "later", "m5listed", "1.2", 99, "m5listed.gone:Gone"),
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "discover", lambda scope=None: {"fusions": parts})
    assert main(["list", "fusion"]) == 0
    rows = {row.split()[1]: row for row in capsys.readouterr().out.splitlines()}
    assert rows["shiny"].split("  ")[-1] == "m5listed 1.2"
    assert "  Very shiny.  " in rows["shiny"]
    assert rows["later"].endswith("m5listed 1.2 (made for m5kit API v99: cannot be used)")


def test_an_unknown_family_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "fusoins"]) == 2
    assert "no family is named 'fusoins'; did you mean 'fusions'?" in capsys.readouterr().err
