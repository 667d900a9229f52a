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
        ("price is null or price is not null", "`price` is null or `price` is not null"),
        ("price not in (1, 2) and a.b not like 'x'", "`price` not in ( 1 , 2 ) and `a_b` not like 'x'"),
        ("a.b = '10\u00a0cm\n\u200d'", "`a_b` = '10\u00a0cm\n\u200d'"),
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
        ("a.b = '\ud800'", "half a character or the character 0"),
        ("a.b = 'x\0'", "half a character or the character 0"),
        ("price < 5 price > 3", "price follows 5 without a word between them; join comparisons by and or or"),
        ("price < 5 'a'", "'a' follows 5 without"),
        ("price < 5 (price > 3)", "( follows 5 without"),
        ("(price < 5) lower(a.b) = 'x'", "lower follows ) without"),
        ("price < 5 not price > 3", "not follows 5 without"),
        ("price < 5 not", "not follows 5 without"),
        ("a.b = 'x' true", "true follows 'x' without"),
        ("price < 5, price > 3", "a comma stands between the values of a list alone"),
        ("price = null", "nothing is = null; write: is null"),
        ("price != NULL", "nothing is != null; write: is null"),
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
