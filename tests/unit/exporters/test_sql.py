import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded
from m5kit.exporters.sql import SqlExporter

VECTORS = np.array([[0.6, 0.8], [0.1, -0.2], [0, 0]], np.float32)
ITEMS = Embedded(['say "a"\t\\', "鞋", "nothing"], VECTORS, {'a "b"': ["one\nline", "", "x"]})


def test_a_script_makes_a_table_fills_it_and_indexes_it(tmp_path):
    path = tmp_path / "items.sql"
    assert SqlExporter(table="shop").write(ITEMS, path) == [path]
    assert path.read_text(encoding="utf-8").splitlines() == [
        "CREATE EXTENSION IF NOT EXISTS vector;",
        'CREATE TABLE "shop" (id text PRIMARY KEY, vector vector(2) NOT NULL, "label_a ""b""" text);',
        'COPY "shop" (id, vector, "label_a ""b""") FROM stdin;',
        'say "a"\\t\\\\\t[0.600000024,0.800000012]\tone\\nline',
        "鞋\t[0.100000001,-0.200000003]\t\\N",
        "\\.",
        'CREATE INDEX ON "shop" USING hnsw (vector vector_cosine_ops);',
    ]


def test_halves_are_another_type_and_an_index_may_be_left_out(tmp_path):
    items = Embedded(["a"], np.ones((1, 2), np.float32), precision="float16")
    SqlExporter(index="none").write(items, tmp_path / "items.sql")
    script = (tmp_path / "items.sql").read_text()
    assert "vector halfvec(2)" in script
    assert "CREATE INDEX" not in script


def test_what_the_server_would_refuse_is_refused(tmp_path):
    wide = Embedded(["a"], np.ones((1, 2001), np.float32))
    with pytest.raises(DataError, match=r"at most 2000 numbers, got 2001; choose a --width, or --with index=none"):
        SqlExporter().write(wide, tmp_path / "items.sql")
    SqlExporter(index="none").write(wide, tmp_path / "items.sql")
    with pytest.raises(DataError, match="names of 1 to 63 bytes"):
        SqlExporter(table="x" * 64).write(ITEMS, tmp_path / "items.sql")
    with pytest.raises(DataError, match="holds the character 0"):
        SqlExporter().write(Embedded(["a\0b"], np.ones((1, 2), np.float32)), tmp_path / "items.sql")
    with pytest.raises(ConfigError, match="expected hnsw, ivfflat or none, got 'tree'"):
        SqlExporter(index="tree")
