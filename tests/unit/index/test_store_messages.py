from m5kit.index.store_messages import said_plainly


def test_lines_of_the_stores_own_source_are_left_out():
    assert said_plainly(OSError("Invalid input, disk full, /build/rust/lance/src/io.rs:12:3")) == "disk full"


def test_the_statement_around_a_filter_is_left_out():
    error = ValueError("Error parsing: SELECT * WHERE price < (sql parser error: Expected: an expression, found: EOF)")
    assert said_plainly(error) == "expected an expression, found the end"


def test_a_comparison_of_two_kinds_is_put_in_words():
    said = "Received literal Int64(3) and could not convert to literal of type 'Utf8'"
    error = ValueError(f"Error resolving filter expression `size` > 3: Invalid user input: {said}")
    assert said_plainly(error).startswith("3 is of another kind than its column")
