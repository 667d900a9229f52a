import pytest

from m5kit.data.oddities import Oddities


def test_what_is_allowed_and_odd_is_told_once_with_an_example():
    oddities = Oddities(("image", "text"))
    for split, label in (("train", "mug"), (" train", "Mug"), ("test", "N/A"), ("test", "mug")):
        oddities.look_at({"id": "a", "text": "t", "split": split, "labels": {"kind": label}, "label": {"kind": "x"}})
    oddities.look_at({"id": 3, "split": 4, "labels": {"kind": 5}})  # problems, which others name
    assert oddities.sentences([]) == [
        "the key 'label' of 4 rows is not read; did you mean 'labels'?",
        "split: names that differ in case, spaces, zeros or accents only: 1 (such as 'train' and ' train')",
        "split: names that are empty, or begin or end with a blank: 1 (such as ' train')",
        "label kind: names that differ in case, spaces, zeros or accents only: 1 (such as 'mug' and 'Mug')",
        "label kind: names that usually say that there is none: 1 (such as 'N/A')",
    ]


def test_rows_in_order_have_nothing_odd():
    oddities = Oddities(("text",))
    oddities.look_at({"id": "a", "split": None, "labels": None, "text": "t"})
    assert oddities.sentences([]) == []


@pytest.mark.parametrize(
    ("ids", "count"),
    [
        (["caf\u00e9", "cafe\u0301"], 1),  # two forms of Unicode
        (["a", "A", " a", "a\u200b"], 3),
        (["A", "b", "a"], 1),  # whatever comes first
        (["A", "A ", "b"], 1),  # neither is the plain one
        (["1", "1.0", "2.0"], 1),
        (["A", "A", "b"], 0),  # a problem, which others name
        (["one", "two", "ONE MORE"], 0),
    ],
)
def test_ids_that_look_alike_are_told(ids, count):
    oddities = Oddities(("text",))
    for name in ids:
        oddities.look_at({"id": name, "text": "t"})
    said = [line for line in oddities.sentences(list(map(hash, ids))) if line.startswith("ids")]
    assert [line.partition(" (")[0] for line in said] == (
        [f"ids that differ in case, spaces, .0 or accents only: {count}"] if count else []
    )


def test_names_of_labels_that_look_alike_are_told():
    oddities = Oddities(("text",))
    for name in ("caf\u00e9", "cafe\u0301"):
        oddities.look_at({"id": "a", "text": "t", "labels": {name: "x"}})
    assert oddities.sentences([]) == [
        "labels: names that differ in case, spaces, zeros or accents only: 1 (such as 'caf\u00e9' and 'cafe\u0301')"
    ]


def test_texts_that_say_nothing_are_told():
    oddities = Oddities(("text", "table"))
    oddities.look_at({"id": "NULL", "text": "nan", "table": {"brand": "N/A", "size": 3}})
    oddities.look_at({"id": "\u200b", "text": ["a", "\u200b\u200b"], "labels": {"kind": " "}})
    assert oddities.sentences([]) == [
        "id: texts that usually say that there is none: 1 (such as 'NULL')",
        "text: texts that usually say that there is none: 1 (such as 'nan')",
        "table.brand: texts that usually say that there is none: 1 (such as 'N/A')",
        "id: texts in which there is nothing to read: 1 (such as '\\u200b')",
        "text: texts in which there is nothing to read: 1 (such as '\\u200b\\u200b')",
        "label kind: names that usually say that there is none: 1 (such as ' ')",
        "label kind: names that are empty, or begin or end with a blank: 1 (such as ' ')",
    ]


def test_properties_of_mixed_kinds_are_told():
    oddities = Oddities(("table",))
    for value in (1, "one"):
        oddities.look_at({"id": "a", "table": {"size": value}})
    [said] = oddities.sentences([])
    assert said.endswith("others: 1 (such as size: 1 and 'one')")


def test_blanks_around_names_are_told_where_no_other_name_is_like_them():
    oddities = Oddities(("text", "table"))
    oddities.look_at({"id": "a ", "split": "train ", "labels": {"kind": "mug\t"}, "table": {"": 1, " k": 2, "j": 3}})
    assert {line.partition(":")[0] for line in oddities.sentences([]) if "begin or end with a blank" in line} == {
        "id",
        "split",
        "label kind",
        "names of properties in table",
    }
