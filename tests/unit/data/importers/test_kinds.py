import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.kinds import MIXED, Kinds


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((1, "one", "two", 3), ["size: 1 and 'one'"]),
        (("one", [2]), ["size: 'one' and 2"]),
        ((True, 1), ["size: True and 1"]),
        ((1, 2.5, [3]), []),
        (("a", ["b"], []), []),
    ],
)
def test_a_property_is_told_once(values, told):
    noticed = []
    kinds = Kinds(lambda what, example: noticed.append((what, example)))
    for value in values:
        kinds.look_at({"size": value, "other": 1})
    assert noticed == [(MIXED, example) for example in told]


def test_an_import_tells_them(imported, tmp_path):
    tables = ['{"size": 1}', '{"size": "one"}']
    lines = [f"{number}\ta\t{table}" for number, table in enumerate(tables)]
    (tmp_path / "a.tsv").write_text("\n".join(["id\ttitle\tabout", *lines]))
    columns = ColumnMapping({"text": ("title",), "table": ("about",)})
    report, _ = imported("csv", tmp_path / "a.tsv", columns=columns)
    assert report.examples[MIXED] == "size: 1 and 'one'"
