import json

import pytest

from m5kit.cli import bench, main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "quick.py").write_text('"""How quick it is.\n\nMore."""\nimport sys\nprint("given", *sys.argv[1:])\n')
    (tmp_path / "broken.py").write_text('"""It ends with 3."""\nraise SystemExit(3)\n')
    (tmp_path / "_shared.py").write_text('"""Not a benchmark."""\n')
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    return tmp_path


def test_the_benchmarks_are_listed_with_what_they_measure(folder, capsys):
    assert main(["bench", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"broken": "It ends with 3.", "quick": "How quick it is."}


@pytest.mark.parametrize("given", [["--json", "quick", "--rounds", "3"], ["quick", "--rounds", "3", "--json"]])
def test_a_benchmark_gets_its_own_arguments(folder, capsys, given):
    assert main(["bench", *given]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["output"] == ["given --rounds 3"]
    assert said["processor_seconds"] > 0


def test_the_status_of_a_benchmark_is_that_of_the_command(folder):
    assert main(["bench", "broken"]) == 3


def test_an_unknown_benchmark_names_those_there_are(folder, capsys):
    assert main(["bench", "quik"]) == 2
    assert "there is no benchmark 'quik'; there are: broken, quick" in capsys.readouterr().err


def test_without_a_checkout_the_message_says_where_benchmarks_come_from(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "FOLDER", tmp_path / "none")
    assert main(["bench"]) == 2
    assert "clone the repository" in capsys.readouterr().err


def test_every_benchmark_of_the_checkout_says_what_it_measures(capsys):
    assert main(["bench", "--json"]) == 0
    summaries = json.loads(capsys.readouterr().out)
    assert "startup" in summaries
    assert all(summaries.values())
