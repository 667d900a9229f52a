"""Each check of exporters fails an exporter that is broken in that one way."""

import re

import numpy as np
import pytest

from m5kit.api import Exporter
from m5kit.testing import check_exporter


class Good(Exporter):
    """The ids, and the vectors beside them."""

    suffix = ".good"

    def write(self, embedded, path):
        path.write_text(f"{embedded.ids.tolist()}\n", encoding="utf-8")
        np.save(path.with_suffix(".npy"), embedded.vectors)
        return [path, path.with_suffix(".npy")]


class Unrelated:
    suffix = ".good"


class Untyped(Good):
    def __init__(self, *, digits=3) -> None:
        pass


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class NoDot(Good):
    suffix = "good"


class TakesAnyName(Good):
    def check(self, path):
        pass


class TriesTheDisk(Good):
    def check(self, path):
        super().check(path)
        path.touch()


class KeepsQuiet(Good):
    def write(self, embedded, path):
        return super().write(embedded, path)[:1]


class OnlyIds(Good):
    def write(self, embedded, path):
        path.write_text(f"{embedded.ids.tolist()}\n", encoding="utf-8")
        return [path]


class Appends(Good):
    def write(self, embedded, path):
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{embedded.ids.tolist()} {embedded.vectors.tolist()}\n")
        return [path]


class OnlyAscii(Good):
    def write(self, embedded, path):
        "".join(embedded.ids).encode("ascii")
        return super().write(embedded, path)


class NeedsOne(Good):
    def write(self, embedded, path):
        embedded.vectors[0]
        return super().write(embedded, path)


class Scales(Good):
    def write(self, embedded, path):
        embedded.vectors[:] /= np.linalg.norm(embedded.vectors, axis=1, keepdims=True)
        return super().write(embedded, path)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Exporter"),
    "constructor_is_explicit": (Untyped, "'digits' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "says_how_its_files_end": (NoDot, "it is 'good'; write suffix = '.foo'"),
    "other_endings_are_refused": (TakesAnyName, "it accepts items.something_else"),
    "checking_writes_nothing": (TriesTheDisk, "it wrote items.good"),
    "says_what_it_wrote": (KeepsQuiet, "it says items.good and wrote items.good, items.npy"),
    "vectors_reach_the_file": (OnlyIds, "vectors are not written"),
    "replaces_what_was_there": (Appends, "items.good is another file"),
    "any_text_is_a_name": (OnlyAscii, "strange ids raised UnicodeEncodeError"),
    "no_items_and_one_item_are_fine": (NeedsOne, "0 items raised IndexError"),
    "embeddings_are_left_alone": (Scales, "they were changed in place"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_exporter_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("exporters", part, rule))


def test_every_check_has_a_broken_exporter(covers):
    covers("exporters", BROKEN)


def test_a_good_exporter_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_exporter(Good, only=rules).ran == len(rules)
