"""The conformance checks of exporters."""

import pickle
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from m5kit.api import DataError, Embedded, Exporter
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.report import Checks, Report, expect

ITEMS = 40
WIDTH = 8


@dataclass(frozen=True)
class ExporterCase:
    """An exporter and an empty folder."""

    part: type[Exporter]
    exporter: Exporter
    folder: Path

    @property
    def path(self) -> Path:
        """A file with the exporter's suffix."""
        return self.folder / f"items{self.part.suffix}"

    def files(self) -> set[Path]:
        """The files in the folder."""
        return {path for path in self.folder.rglob("*") if path.is_file()}

    def contents(self, embedded: Embedded) -> dict[str, bytes]:
        """The bytes of the written files, by name."""
        return {path.name: path.read_bytes() for path in self.exporter.write(embedded, self.path)}


CHECKS: Checks[ExporterCase] = Checks("exporters", class_checks(Exporter))


def check_exporter(part: type[Exporter] | str, only: Collection[str] | None = None) -> Report:
    """Check an exporter; arguments that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    with TemporaryDirectory() as folder:
        numbers = iter(range(10**6))

        def make(exporter: type[Exporter]) -> ExporterCase:
            own = Path(folder, str(next(numbers)))
            own.mkdir()
            return ExporterCase(exporter, build(exporter), own)

        return CHECKS.run(part, make, only)


@CHECKS.add
def says_how_its_files_end(case: ExporterCase) -> None:
    """The attribute suffix is a dot followed by lower-case letters or digits."""
    suffix = getattr(case.part, "suffix", None)
    right = isinstance(suffix, str) and re.fullmatch(r"\.[a-z0-9_]+", suffix)
    expect(bool(right), f"it is {suffix!r}; write suffix = '.foo' in the class")


@CHECKS.add
def other_endings_are_refused(case: ExporterCase) -> None:
    """check() raises DataError for a name that ends otherwise, and accepts one that does not."""
    case.exporter.check(case.path)
    try:
        case.exporter.check(case.folder / "items.something_else")
    except DataError:
        return
    raise AssertionError("it accepts items.something_else; call super().check(path)")


@CHECKS.add
def checking_writes_nothing(case: ExporterCase) -> None:
    """check() leaves the folder as it is; the work may still fail."""
    case.exporter.check(case.path)
    expect(not case.files(), f"it wrote {', '.join(sorted(path.name for path in case.files()))}")


@CHECKS.add
def says_what_it_wrote(case: ExporterCase) -> None:
    """write() returns every file it wrote, the given path first, and none is empty."""
    written = list(case.exporter.write(items(), case.path))
    expect(written[:1] == [case.path], f"the first is {written[:1]}, not {case.path.name}")
    expect(set(written) == case.files(), f"it says {_names(written)} and wrote {_names(case.files())}")
    empty = [path for path in written if not path.stat().st_size]
    expect(not empty, f"{_names(empty)} is empty")


@CHECKS.add
def vectors_reach_the_file(case: ExporterCase) -> None:
    """Other vectors, and other ids, give other files."""
    before = case.contents(items())
    other = items()
    # -2, because a format may store directions or unsigned values only
    expect(case.contents(Embedded(other.ids, -2 * other.vectors, other.labels)) != before, "vectors are not written")
    renamed = Embedded(np.array([f"other {name}" for name in other.ids]), other.vectors, other.labels)
    expect(case.contents(renamed) != before, "ids are not written")


@CHECKS.add
def replaces_what_was_there(case: ExporterCase) -> None:
    """Writing fewer items over more leaves nothing of the others."""
    fresh = case.contents(items(ITEMS // 2))
    case.contents(items())
    again = case.contents(items(ITEMS // 2))
    changed = [name for name, content in fresh.items() if again.get(name) != content]
    expect(not changed, f"{', '.join(changed)} is another file than in an empty folder")


@CHECKS.add
def any_text_is_a_name(case: ExporterCase) -> None:
    """Ids and labels of any script, with quotes, commas, tabs and line breaks are written or refused with DataError."""
    names = np.array(["鞋", 'say "a, b"', "tab\tand\nline", "", *map(str, range(ITEMS - 4))])
    strange = Embedded(names, items().vectors, {"a label: 名": names[::-1]})
    _written_or_refused(case, strange, "strange ids")


@CHECKS.add
def no_items_and_one_item_are_fine(case: ExporterCase) -> None:
    """A table of one row or of none is written or refused with DataError."""
    for count in (0, 1):
        _written_or_refused(case, items(count), f"{count} items")


@CHECKS.add
def embeddings_are_left_alone(case: ExporterCase) -> None:
    """The embeddings are not changed."""
    embedded = items()
    before = pickle.dumps(embedded)
    case.exporter.write(embedded, case.path)
    expect(pickle.dumps(embedded) == before, "they were changed in place; copy them")


def items(count: int = ITEMS) -> Embedded:
    """Random vectors of some length, with a label that not all items have."""
    vectors = 3 * np.random.default_rng(0).normal(size=(ITEMS, WIDTH))[:count]
    ids, labels = [], []
    for number in range(count):
        ids.append(f"item {number}")
        labels.append("shoe" if number % 3 else "")
    # dtype, because an array of no names would otherwise be one of floats
    names = np.array(ids, dtype=np.str_)
    return Embedded(names, vectors.astype(np.float32), {"coarse": np.array(labels, dtype=np.str_)})


def _written_or_refused(case: ExporterCase, embedded: Embedded, what: str) -> None:
    """Any other error than a DataError, or a missing file, fails the check."""
    try:
        case.exporter.write(embedded, case.path)
    except DataError:
        return
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}; raise DataError") from error
    expect(case.path.is_file(), f"{what} left no file")


def _names(paths: Collection[Path]) -> str:
    return ", ".join(sorted(path.name for path in paths)) or "nothing"
