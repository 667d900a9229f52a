from m5kit.data.oddities import Oddities


def test_what_is_allowed_and_odd_is_told_once_with_an_example():
    oddities = Oddities(("image", "text"))
    for split, label in (("train", "mug"), (" train", "Mug"), ("test", "N/A"), ("test", "mug")):
        oddities.look_at({"id": "a", "text": "t", "split": split, "labels": {"kind": label}, "label": {"kind": "x"}})
    oddities.look_at({"id": 3, "split": 4, "labels": {"kind": 5}})  # problems, which others name
    assert oddities.sentences() == [
        "the key 'label' of 4 rows is not read; did you mean 'labels'?",
        "split: names that differ in case, spaces, .0 or accents only: 1 (such as 'train' and ' train')",
        "label kind: names that differ in case, spaces, .0 or accents only: 1 (such as 'mug' and 'Mug')",
        "label kind: names that usually say that there is none: 1 (such as 'N/A')",
    ]


def test_rows_in_order_have_nothing_odd():
    oddities = Oddities(("text",))
    oddities.look_at({"id": "a", "split": None, "labels": None, "text": "t"})
    assert oddities.sentences() == []
