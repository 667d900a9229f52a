"""The exporter is chosen, and its settings are checked, before anything is embedded."""

import numpy as np
import pytest

from m5kit.api import Embedded
from m5kit.cli import main
from m5kit.cli.embed import _exporter, _with_contents
from m5kit.cli.main import _parser
from m5kit.errors import DataError
from m5kit.exporters.faiss import FaissExporter
from m5kit.exporters.parquet import ParquetExporter


def _options(*words):
    return _parser().parse_args(["embed", "no/run", "--data", "no/data", *words])


def test_the_ending_names_the_exporter():
    assert isinstance(_exporter(_options("--out", "a.parquet")), ParquetExporter)


def test_it_can_be_named_and_set():
    exporter = _exporter(_options("--out", "a.idx", "--as", "faiss", "--with", "metric=l2", "--with", "factory=HNSW32"))
    assert isinstance(exporter, FaissExporter)
    assert (exporter.metric, exporter.factory) == ("l2", "HNSW32")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "a.csv"], "no exporter for the suffix of 'a.csv'; use .faiss, .ndjson, .npz, .parquet, .sql"),
        (["--out", "a.npz", "--as", "faissss"], "no exporter is named 'faissss'; did you mean 'faiss'?"),
        (["--out", "a.faiss", "--with", "metrik=l2"], "--with.metrik: unknown key; did you mean 'metric'?"),
        (["--out", "a.faiss", "--with", "metric=l3"], "--with.metric: expected 'cosine', 'dot' or 'l2', got 'l3'"),
        (["--out", "a.txt", "--as", "npz"], "this exporter writes files that end in .npz, not 'a.txt'; rename it"),
        (["--out", "a.faiss", "--precision", "int8"], "--precision: .faiss files hold float32, not int8"),
        (["--out", "a.npz", "--precision", "binary"], "binary needs a width, such as 256"),
        (["--out", "a.npz", "--width", "0"], "width: expected a whole number of at least 1, got 0"),
        (["--out", "a.faiss", "--with", "factory=Nope"], "exporter 'faiss': factory 'Nope' for width"),
    ],
)
def test_mistakes_are_told_before_the_run_is_opened(words, said, capsys):
    assert main(["embed", "no/run", "--data", "no/data", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("precision", "column"), [("int8", "vector"), ("binary", "bits")])
def test_the_file_holds_vectors_of_the_size_that_is_asked_for(run_folder, demo, tmp_path, precision, column, capsys):
    file = tmp_path / "items.npz"
    size = ["--width", "16", "--precision", precision]
    assert main(["embed", str(run_folder), "--data", str(demo), "--out", str(file), "--split", "test", *size]) == 0
    assert "embeddings of width 16" in capsys.readouterr().out
    assert np.load(file)[column].shape[1] == (16 if precision == "int8" else 2)
    assert Embedded.load(file).vectors.shape[1] == 16


def test_items_without_what_is_asked_for_are_counted_and_left_out(run_folder, demo, rows, tmp_path, capsys):
    file = tmp_path / "items.npz"
    words = ["embed", str(run_folder), "--data", str(demo), "--out", str(file)]
    assert main([*words, "--modalities", "video"]) == 0
    without = [row["id"] for row in rows if row.get("video") is None]
    said = f"{len(without)} of {len(rows)} items have nothing that the vectors are made of, such as "
    assert said in capsys.readouterr().out
    found = Embedded.load(file)
    assert sorted(found.ids) == sorted(row["id"] for row in rows if row.get("video") is not None)
    assert found.seen.all()


def test_a_file_of_zeros_alone_is_refused():
    nothing = Embedded(np.array(["a", "b"]), np.zeros((2, 3), np.float32))
    with pytest.raises(DataError, match=r"2 of 2 items have nothing .*, such as a; nothing was written"):
        _with_contents(nothing)


@pytest.mark.parametrize(
    "words",
    [
        ("embed", "no/run", "--data", "no/data", "--out", "a.npz", "--split", ""),
        ("index", "no/run", "--out", "a.index", "--split", " , "),
        ("evaluate", "no/run", "--metrics", ""),
        ("embed", "no/run", "--data", "", "--out", "a.npz"),
        ("train", "demo/scale", "--run-dir", ""),
        ("data", "import", "csv", "a.csv", "", "--map", "text=title"),
    ],
)
def test_a_variable_that_is_not_set_stands_for_nothing(words, capsys):
    assert main(list(words)) == 2
    assert "expected" in capsys.readouterr().err


def test_the_home_folder_is_written_as_in_a_shell(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,title\n1,cup\n")
    assert main(["data", "import", "csv", "~/a.csv", "~/out", "--map", "text=title"]) == 0
    assert (tmp_path / "out" / "annotations.jsonl").is_file()
    assert not (tmp_path / "~").exists()
