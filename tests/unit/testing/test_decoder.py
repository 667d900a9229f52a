"""Each check of decoders fails a decoder that is broken in that one way."""

import re
from itertools import count

import pytest

from m5kit.api import DecodeError, Decoder
from m5kit.testing import check_decoder

CALLS = count()
LEFT_OPEN = []


class Good(Decoder):
    """Reads numbers between two words, one a line."""

    def __call__(self, source, root):
        try:
            first, *numbers, last = (root / source).read_text().splitlines()
            if (first, last) != ("begin", "end"):
                raise ValueError("the first or last line is another one")
            return [float(line) for line in numbers]
        except (OSError, ValueError, TypeError) as error:
            raise DecodeError(f"cannot read {source}: {error}") from error

    @classmethod
    def example(cls, folder):
        (folder / "numbers.txt").write_text("\n".join(["begin", *map(str, range(20)), "end"]))
        return cls(), "numbers.txt"


class Unrelated:
    pass


class CatchesAll(Good):
    def __init__(self, **kwargs):
        pass


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class CountsCalls(Good):
    def __call__(self, source, root):
        return [*super().__call__(source, root), next(CALLS)]


class KeepsTheFile(Good):
    def __call__(self, source, root):
        numbers = super().__call__(source, root)
        self.file = (root / source).open()
        return numbers


class TakesNothingForEmpty(Good):
    def __call__(self, source, root):
        return [] if source is None else super().__call__(source, root)


class HidesTheName(Good):
    def __call__(self, source, root):
        try:
            return super().__call__(source, root)
        except DecodeError as error:
            raise DecodeError("cannot read it") from error


class TakesGarbage(Good):
    def __call__(self, source, root):
        return super().__call__(source, root) if (root / source).stat().st_size else []


class Crashes(Good):
    def __call__(self, source, root):
        if not (root / source).read_text().endswith("end"):
            raise RuntimeError("no end")
        return super().__call__(source, root)


class LeavesFilesOpen(Good):
    def __call__(self, source, root):
        LEFT_OPEN.append((root / source).open())
        return super().__call__(source, root)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Decoder"),
    "constructor_is_explicit": (CatchesAll, r"it takes \*\*kwargs"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "decodes_the_same_twice": (CountsCalls, "two calls give different values"),
    "pickles": (KeepsTheFile, "it raised TypeError"),
    "wrong_kinds_are_decode_errors": (TakesNothingForEmpty, "the source NoneType was decoded without a word"),
    "missing_files_are_decode_errors": (HidesTheName, "'cannot read it' does not name 'there/is/no such file'"),
    "garbage_is_a_decode_error": (TakesGarbage, "a file of empty was decoded without a word"),
    "truncated_files_do_not_crash": (Crashes, "it raised RuntimeError: no end"),
    "files_are_closed": (LeavesFilesOpen, "6 files stayed open after 6 calls"),
}


@pytest.fixture(autouse=True)
def _close():
    yield
    while LEFT_OPEN:
        LEFT_OPEN.pop().close()


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_decoder_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("decoders", part, rule))


def test_every_check_has_a_broken_decoder(covers):
    covers("decoders", BROKEN)


def test_a_good_decoder_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_decoder(Good, only=rules).ran == len(rules)


def test_a_source_within_the_manifest_skips_what_is_about_files():
    report = check_decoder("text")
    assert set(report.skipped) == {
        *("missing_files_are_decode_errors", "garbage_is_a_decode_error"),
        *("truncated_files_do_not_crash", "files_are_closed"),
    }
    assert set(report.skipped.values()) == {"the source is no file"}
