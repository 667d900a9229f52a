"""Each check of datasets fails a dataset that is broken in that one way."""

import re
from dataclasses import replace

import pytest

from m5kit.api import Dataset, Sample
from m5kit.testing import check_dataset

ITEMS = (
    Sample("a", {"text": "a red mug"}, {"coarse": "mug"}, "train"),
    Sample("b", {"text": "a bowl", "image": "b.jpg"}, {}, "train"),
    Sample("c", {}, {}, "test"),
)


class Good(Dataset):
    """Three items."""

    def __init__(self, *, root: object) -> None:
        self.root = root
        self.items = list(ITEMS)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]

    def splits(self):
        return [item.split for item in self.items]

    def fingerprint(self):
        return {"items": self.ids()}

    @classmethod
    def example(cls, folder):
        return cls(root=folder)


class Unrelated:
    example = Good.example

    def __init__(self, *, root: object) -> None:
        pass


class Untyped(Good):
    def __init__(self, *, root) -> None:
        super().__init__(root=root)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class AllAlike(Good):
    def __getitem__(self, index):
        return replace(super().__getitem__(index), split="train")


class KeepsNone(Good):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        return replace(sample, sources={"image": None, **sample.sources})


class CountsNames(Good):
    def ids(self):
        return ["0", "1", "2"]


class OneSplit(Good):
    def splits(self):
        return ["train"] * 3


class Streams(Good):
    def __init__(self, *, root: object) -> None:
        super().__init__(root=root)
        self.position = -1

    def __getitem__(self, index):
        super().__getitem__(index)
        self.position = (self.position + 1) % 3
        return self.items[self.position]


class HoldsAFile(Good):
    def __init__(self, *, root: object) -> None:
        super().__init__(root=root)
        self.read = lambda item: item


class WrapsAround(Good):
    def __getitem__(self, index):
        return self.items[index % 3]


class RootIsText(Good):
    def __init__(self, *, root: object) -> None:
        super().__init__(root=root)
        self.root = str(root)


class KnowsItsPlace(Good):
    def fingerprint(self):
        return {"root": str(self.root)}


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Dataset"),
    "constructor_is_explicit": (Untyped, "'root' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "example_is_varied": (AllAlike, "they are all of one split"),
    "items_are_well_formed": (KeepsNone, "'a' has image = None; leave the key out"),
    "ids_are_the_items_names": (CountsNames, r"it gives \['0', '1', '2'\], the items are"),
    "splits_are_the_items_splits": (OneSplit, "it gives .*, the items have"),
    "order_of_reading_does_not_matter": (Streams, "items read backwards are others"),
    "pickles": (HoldsAFile, "it raised"),
    "numbers_out_of_range_are_refused": (WrapsAround, "item 3 of 3 is given without a word"),
    "root_is_a_folder": (RootIsText, "root is '"),
    "fingerprint_tells_it_apart": (KnowsItsPlace, "the same items elsewhere have another one"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_dataset_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("datasets", part, rule))


def test_every_check_has_a_broken_dataset(covers):
    covers("datasets", BROKEN)


def test_a_good_dataset_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_dataset(Good, only=rules).ran == len(rules)
