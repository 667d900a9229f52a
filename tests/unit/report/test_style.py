"""What all pictures share."""

from m5kit.report.style import short_names


def test_long_names_lose_their_middle_unless_that_makes_two_alike():
    long, other = "a" * 30 + "1" + "b" * 30, "a" * 30 + "2" + "b" * 30
    assert short_names([long, "x"]) == {long: "a" * 17 + "…" + "b" * 16, "x": "x"}
    assert short_names([long, other]) == {long: long, other: other}
