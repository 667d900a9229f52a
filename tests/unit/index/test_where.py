import pytest

from m5kit.errors import QueryError
from m5kit.index.columns import Column
from m5kit.index.where import to_sql

COLUMNS = [
    Column("price", "price", "number"),
    Column("room name", "room_name", "string"),
    Column("a.b", "a_b", "string"),
]


@pytest.mark.parametrize(
    ("where", "sql"),
    [
        ("price < 20", "`price` < 20"),
        ("PRICE >= 1.5e3 AND price != 7", "`price` >= 1.5e3 and `price` != 7"),
        ("\"room name\" = 'it''s'", "`room_name` = 'it''s'"),
        ("a.b LIKE 'x%' or `a.b` is not null", "`a_b` like 'x%' or `a_b` is not null"),
        ("not (lower(a.b) in ('x', 'y'))", "not ( lower ( `a_b` ) in ( 'x' , 'y' ) )"),
        ("price between 1 and 2", "`price` between 1 and 2"),
        ("price == 3", "`price` = 3"),
        ("price = -3", "`price` = - 3"),
    ],
)
def test_a_filter_is_written_with_the_names_of_the_store(where, sql):
    assert to_sql(where, COLUMNS) == sql


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("prize < 20", "no column 'prize'; the nearest is price; the columns are: price (number), room name (string)"),
        ("room < 2", "no column 'room'; the nearest is \"room name\", in double quotes; the columns are: "),
        ("price = red", "no column 'red'; a text stands in single quotes, as in 'red'; the columns are: "),
        ("repeat('x', 999999999) = 'x'", "no column 'repeat'"),
        ("price < 3; drop table items", "cannot read it from '; drop table items'"),
        ("price < 3 -- ' \x00", "cannot read it from"),
        ("a.b = 'x", 'cannot read it from "\'x"'),
        ("a.b = '\ud800'", "cannot be printed"),
        ("(" * 41 + "price < 3" + ")" * 41, "more than 40 parentheses"),
        ("price < 3 or " * 400, "shorten the filter"),
        ("select 1", "no column 'select'"),
    ],
)
def test_anything_else_is_refused_in_words(where, said):
    with pytest.raises(QueryError) as raised:
        to_sql(where, COLUMNS)
    assert said in str(raised.value)


@pytest.mark.parametrize("where", ["price < 3) and (sold", "price < 3)", "not (sold)) or (sold"])
def test_a_parenthesis_that_was_not_opened_is_refused(where):
    with pytest.raises(QueryError, match="closed that was not opened"):
        to_sql(where, [Column("price", "price", "number"), Column("sold", "sold", "boolean")])
