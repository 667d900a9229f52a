"""Checks a filter such as ``price < 20 and colour = 'red'`` and writes it in the SQL of the store.

The store evaluates any SQL expression, with functions that take memory or time without bound. So only comparisons get
through: columns of the index, numbers, texts, and the words below.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from m5kit.data.json_values import whole_text
from m5kit.errors import QueryError
from m5kit.index.columns import Column

WORDS = frozenset({"and", "or", "not", "in", "is", "null", "like", "ilike", "between", "true", "false"})
VALUES = frozenset({"null", "true", "false"})
AFTER_NOT = frozenset({"in", "like", "ilike", "between"})
FUNCTIONS = frozenset({"lower", "upper"})
COMPARISONS = frozenset({"=", "==", "!=", "<>", "<", ">", "<=", ">="})
LONGEST = 4_000
"""Characters of a filter."""
DEEPEST = 40
"""Parentheses in each other; the store's parser gives up at 50."""

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<quoted>"[^"]+"|`[^`]+`)
      | (?P<word>[^\W\d]\w*(?:\.\w+)*)
      | (?P<sign><=|>=|<>|!=|==|[=<>()+\-*/%,])
    )""",
    re.VERBOSE,
)


def to_sql(where: str, columns: Sequence[Column]) -> str:
    """The filter in the SQL of the store.

    Args:
        where: comparisons joined by ``and``, ``or`` and ``not``; a name with other signs than letters, digits and
            underscores stands in double quotes.
        columns: those that there are.

    Raises:
        QueryError: something else stands in it; the message names the columns.

    Example:
        >>> to_sql("Price < 20 and not sold", [Column("price", "price", "number"), Column("sold", "sold", "boolean")])
        '`price` < 20 and not `sold`'
    """
    if len(where) > LONGEST:
        raise QueryError(f"where: {len(where):,} characters are over {LONGEST:,}; shorten the filter")
    depth, written = 0, []
    tokens = list(_tokens(where))
    for place, (kind, token) in enumerate(tokens):
        _require_sequence(tokens, place, depth)
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth < 0:  # the store would read the filter up to here, and leave out the rest without a word
            raise QueryError("where: a parenthesis is closed that was not opened; take it out, or open it")
        if depth > DEEPEST:
            raise QueryError(f"where: more than {DEEPEST} parentheses are open; simplify the filter")
        written.append(_written(kind, token, columns))
    return " ".join(written)


def describe(columns: Sequence[Column]) -> str:
    """The columns with their kinds, for messages."""
    named = [f"{column.name} ({column.kind})" for column in columns]
    return f"the columns are: {', '.join(named)}"


def _tokens(where: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each token."""
    position, end = 0, len(where.rstrip())
    while position < end:
        found = TOKEN.match(where, position)
        if found is None:
            rest = where[position:].strip()[:20]
            raise QueryError(
                f"where: cannot read it from {rest!r} on; write comparisons such as price < 20 and colour = 'red'"
            )
        yield str(found.lastgroup), found[str(found.lastgroup)]
        position = found.end()


def _require_sequence(tokens: Sequence[tuple[str, str]], place: int, depth: int) -> None:
    """Refuse a value behind a value: the store reads a filter up to there, and leaves out the rest without a word.

    Raises:
        QueryError: two values without a word or sign between them, a comma outside of a list, or a comparison with
            null, which is never true.
    """
    token, before = tokens[place], tokens[place - 1] if place else ("sign", "(")
    if _ends_value(*before) and _begins_value(tokens, place):
        raise QueryError(
            f"where: {token[1]} follows {before[1]} without a word between them; join comparisons by and or or"
        )
    if token == ("sign", ",") and depth == 0:
        raise QueryError("where: a comma stands between the values of a list alone; join comparisons by and or or")
    if token[1].lower() == "null" and token[0] == "word" and before[1] in COMPARISONS:
        raise QueryError(f"where: nothing is {before[1]} null; write: is null, or: is not null")


def _ends_value(kind: str, token: str) -> bool:
    if kind == "word":
        return token.lower() in VALUES or token.lower() not in WORDS | FUNCTIONS
    return token == ")" if kind == "sign" else True


def _begins_value(tokens: Sequence[tuple[str, str]], place: int) -> bool:
    kind, token = tokens[place]
    if kind != "word":
        return token == "(" if kind == "sign" else True
    if token.lower() == "not":  # price not in (1, 2) goes on with what came before
        return tokens[place + 1][1].lower() not in AFTER_NOT if place + 1 < len(tokens) else True
    return token.lower() in VALUES or token.lower() not in WORDS


def _written(kind: str, token: str, columns: Sequence[Column]) -> str:
    if kind == "quoted":
        return _column(token[1:-1], columns)
    if kind == "word":
        known = token.lower() in WORDS | FUNCTIONS
        return token.lower() if known else _column(token, columns)
    if kind == "string" and ("\0" in token or whole_text(token) != token):
        raise QueryError(f"where: no text of an index holds {token!a}, which has half a character or the character 0")
    return "=" if token == "==" else token


def _column(name: str, columns: Sequence[Column]) -> str:
    """What the store calls a column; another case will do where only one column is meant."""
    exact = [column for column in columns if column.name == name]
    alike = exact or [column for column in columns if column.name.lower() == name.lower()]
    if len(alike) == 1:
        return f"`{alike[0].stored}`"
    raise QueryError(f"where: there is no column {name!r}{_hint(name, columns)}; {describe(columns)}")


def _hint(name: str, columns: Sequence[Column]) -> str:
    """What may have been meant: a column spelled otherwise, or a text without its quotation marks."""
    lowered = {column.name.lower(): column.name for column in columns}
    begun = [known for known in lowered if known.startswith(name.lower())]
    near = get_close_matches(name.lower(), lowered, n=1) or begun[:1]
    if not near:
        return f"; a text stands in single quotes, as in '{name}'"
    column = lowered[near[0]]
    return f"; the nearest is {column}" if column.isidentifier() else f'; the nearest is "{column}", in double quotes'


def one_of(ids: Sequence[str]) -> str:
    """SQL for the items of these ids.

    Raises:
        QueryError: an id is no text, or holds half a character, which no index stores.

    Example:
        >>> one_of(["a", "it's"])
        "`id` in ('a', 'it''s')"
    """
    quoted = []
    for each in ids:
        if not isinstance(each, str):
            raise QueryError(f"ids are texts, got {each!r}")
        if whole_text(each) != each:
            raise QueryError(f"no text of an index holds {each!a}")
        escaped = each.replace("'", "''")
        quoted.append(f"'{escaped}'")
    return f"`id` in ({', '.join(quoted)})"
