import json
import re

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


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from m5kit.errors import DataError\nraise DataError('there are no items')", "error: there are no items\n"),
        ("open('nowhere/file')", "error: nowhere/file: no such file or directory; name another place\n"),
        ("import librarium.sub", "error: the benchmark quick needs the library 'librarium', which is not installed; "),
        (
            "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'raise SystemExit(3)'], check=True)",
            "error: a process of the benchmark quick failed with status 3\n",
        ),
    ],
)
def test_a_mistake_in_a_benchmark_is_a_sentence_as_in_a_verb(folder, capfd, code, said):
    (folder / "quick.py").write_text(f'"""How quick it is."""\n{code}\n')
    assert main(["bench", "quick"]) == 2
    assert capfd.readouterr().err.startswith(said)


def test_a_mistake_of_the_code_keeps_its_traceback(folder, capfd):
    (folder / "quick.py").write_text('"""How quick it is."""\nimport m5kit.nowhere\n')
    assert main(["bench", "quick"]) == 1
    assert "Traceback" in capfd.readouterr().err


SPAWNING = '''"""How quick it is."""
from multiprocessing import get_context
from _shared import LEAST

def more(value):
    return value + LEAST

if __name__ == "__main__":
    with get_context("spawn").Pool(1) as pool:
        print(pool.apply(more, (3,)))
'''


def test_a_benchmark_finds_its_neighbours_and_starts_processes_of_its_own_functions(folder, capfd):
    (folder / "_shared.py").write_text('"""Not a benchmark."""\nLEAST = 4\n')
    (folder / "quick.py").write_text(SPAWNING)
    assert main(["bench", "quick"]) == 0
    assert capfd.readouterr().out.startswith("7\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "missing.index"], "error: missing.index holds no index; m5kit index RUN --data DIR --out"),
        (["serve", "any.index", "--rounds", "0"], "argument --rounds: expected a whole number of at least 1, got '0'"),
        (["startup", "--rounds", "1"], "argument --rounds: expected a whole number of at least 2, got '1'"),
        (["decoders", "--limit", "-1"], "argument --limit: expected seconds above 0, got '-1'"),
        (["decoders", "--zoo", "nowhere"], "error: nowhere/image: no such file or directory"),
        (["search", "--items", "50"], "error: --depth: expected at most the 50 of --items, got 100"),
        (["chunks", "--data", "nowhere"], "error: no annotations.jsonl or annotations.parquet"),
        (["ranks", "--data", "nowhere"], "error: no annotations.jsonl or annotations.parquet"),
        (["python_load", "nowhere"], "error: nowhere holds no run"),
        (["seeds", "--figure", "coarse/mrr", "a="], "error: expected NAME=RUN,RUN with at least one run, got 'a='"),
        (["shards", "readings"], "argument names: there is no 'readings'; there are: reading, checked"),
        (["vector_stores", "--stores", "m5kit,fais"], "argument --stores: there is no 'fais'; there are: m5kit"),
        (["memory", "demo/none"], "error: there is no config 'demo/none'"),
    ],
)
def test_mistakes_in_the_arguments_of_real_benchmarks_are_sentences(tmp_path, monkeypatch, capfd, arguments, said):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "search":
        pytest.importorskip("faiss")
    if arguments[0] == "seeds":
        pytest.importorskip("scipy")
    assert main(["bench", *arguments]) == 2
    told = capfd.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_seeds_names_a_figure_that_a_run_lacks(tmp_path, capfd):
    pytest.importorskip("scipy")
    (tmp_path / "r.json").write_text('{"results": {"coarse": {"mrr": {"value": 0.5}}}}')
    (tmp_path / "other.json").write_text('{"results": 3}')
    assert main(["bench", "seeds", "--figure", "fine/mrr", f"a={tmp_path}/r.json"]) == 2
    assert f"{tmp_path}/r.json has no figure fine/mrr; it has: coarse/mrr" in capfd.readouterr().err
    assert main(["bench", "seeds", "--figure", "fine/mrr", f"a={tmp_path}/other.json"]) == 2
    assert "holds no results" in capfd.readouterr().err


def test_no_benchmark_takes_a_number_without_a_bound():
    unbound = [path.name for path in bench.FOLDER.glob("*.py") if re.search(r"type=(int|float)\b", path.read_text())]
    assert unbound == []
