"""The exporter is chosen, and its settings are checked, before anything is embedded."""

import pytest

from m5kit.cli import main
from m5kit.cli.embed import _exporter
from m5kit.cli.main import _parser
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
        (["--out", "a.csv"], "no exporter for the suffix of 'a.csv'; use .faiss, .npz, .parquet"),
        (["--out", "a.npz", "--as", "faissss"], "no exporter is named 'faissss'; did you mean 'faiss'?"),
        (["--out", "a.faiss", "--with", "metrik=l2"], "--with.metrik: unknown key; did you mean 'metric'?"),
        (["--out", "a.faiss", "--with", "metric=l3"], "--with.metric: expected 'cosine', 'dot' or 'l2', got 'l3'"),
        (["--out", "a.txt", "--as", "npz"], "this exporter writes files that end in .npz, not 'a.txt'; rename it"),
        (["--out", "a.faiss", "--with", "factory=Nope"], "exporter 'faiss': factory 'Nope' for width"),
    ],
)
def test_mistakes_are_told_before_the_run_is_opened(words, said, capsys):
    assert main(["embed", "no/run", "--data", "no/data", *words]) == 2
    assert said in capsys.readouterr().err
