"""The conformance checks of datasets."""

import json
import pickle
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from m5kit.api import Dataset, Sample
from m5kit.testing.class_checks import class_checks
from m5kit.testing.report import Checks, Report, expect


@dataclass(frozen=True)
class DatasetCase:
    """A dataset of some items, and how to make another in an empty folder."""

    part: type[Dataset]
    dataset: Dataset
    again: Callable[[], Dataset]

    def samples(self) -> list[Sample]:
        """Every item."""
        return [self.dataset[index] for index in range(len(self.dataset))]


CHECKS: Checks[DatasetCase] = Checks("datasets", class_checks(Dataset))


def check_dataset(part: type[Dataset] | str, only: Collection[str] | None = None) -> Report:
    """Check a dataset on its ``example(folder)``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    with TemporaryDirectory() as folder:
        numbers = iter(range(10**6))

        def example(dataset: type[Dataset]) -> Dataset:
            own = Path(folder, str(next(numbers)), "items")  # one name for all: a fingerprint may hold it
            own.mkdir(parents=True)
            return dataset.example(own)

        return CHECKS.run(part, lambda dataset: DatasetCase(dataset, example(dataset), partial(example, dataset)), only)


@CHECKS.add
def example_is_varied(case: DatasetCase) -> None:
    """example() gives at least three items in at least two splits, not all with the same modalities."""
    samples = case.samples()
    splits, subsets = set(), set()
    for sample in samples:
        splits.add(sample.split)
        subsets.add(frozenset(sample.sources))
    expect(len(samples) >= 3, f"it gives {len(samples)} items")
    expect(len(splits) >= 2, "they are all of one split")
    expect(len(subsets) >= 2, "they all have the same modalities")


@CHECKS.add
def items_are_well_formed(case: DatasetCase) -> None:
    """Items are Samples with a text as id, references by modality, none of them None, and texts as labels."""
    for sample in case.samples():
        expect(isinstance(sample, Sample), f"item {sample!r} is a {type(sample).__name__}; return Sample")
        expect(isinstance(sample.id, str) and bool(sample.id), f"the id {sample.id!r} is no text")
        expect(isinstance(sample.sources, Mapping), f"the sources of {sample.id!r} are {sample.sources!r}")
        absent = [modality for modality, source in sample.sources.items() if source is None]
        expect(not absent, f"{sample.id!r} has {', '.join(absent)} = None; leave the key out")
        for word in (*sample.labels, *sample.labels.values()):
            expect(isinstance(word, str), f"the labels of {sample.id!r} are {sample.labels!r}")


@CHECKS.add
def ids_are_the_items_names(case: DatasetCase) -> None:
    """ids() gives the id of every item in order, each once."""
    wanted = [sample.id for sample in case.samples()]
    expect(list(case.dataset.ids()) == wanted, f"it gives {list(case.dataset.ids())}, the items are {wanted}")
    expect(len(set(wanted)) == len(wanted), f"ids are repeated: {wanted}")


@CHECKS.add
def splits_are_the_items_splits(case: DatasetCase) -> None:
    """splits() gives the split of every item in order."""
    wanted = [sample.split for sample in case.samples()]
    expect(list(case.dataset.splits()) == wanted, f"it gives {list(case.dataset.splits())}, the items have {wanted}")


@CHECKS.add
def order_of_reading_does_not_matter(case: DatasetCase) -> None:
    """An item is the same whenever it is read, before or after others."""
    first = case.samples()
    # a dataset with a cursor would now give other items
    backwards = [case.dataset[index] for index in reversed(range(len(first)))]
    expect(first == backwards[::-1], "items read backwards are others")


@CHECKS.add
def pickles(case: DatasetCase) -> None:
    """A copy that went through pickle, as to a worker process, gives the same items, also after some were read."""
    before = pickle.loads(pickle.dumps(case.dataset))
    first = case.samples()
    after = pickle.loads(pickle.dumps(case.dataset))
    # Both moments count: reading may open a file handle, which cannot be pickled.
    for copy in (before, after):
        expect(len(copy) == len(first), f"the copy has {len(copy)} items, not {len(first)}")
        expect([copy[index] for index in range(len(copy))] == first, "the copy gives other items")


@CHECKS.add
def numbers_out_of_range_are_refused(case: DatasetCase) -> None:
    """The number after the last raises IndexError."""
    try:
        case.dataset[len(case.dataset)]
    except IndexError:
        return
    except Exception as error:
        raise AssertionError(f"it raised {type(error).__name__}: {error}; raise IndexError") from error
    raise AssertionError(f"item {len(case.dataset)} of {len(case.dataset)} is given without a word")


@CHECKS.add
def root_is_a_folder(case: DatasetCase) -> None:
    """The attribute root is the folder that references are relative to, and messages name the dataset."""
    root = getattr(case.dataset, "root", None)
    expect(isinstance(root, Path) and root.is_dir(), f"root is {root!r}")
    expect(bool(str(case.dataset).strip()), "str() of it is empty")


@CHECKS.add
def fingerprint_tells_it_apart(case: DatasetCase) -> None:
    """fingerprint() is JSON data that names the items: the same for the same ones wherever they lie, never empty."""
    found = dict(case.dataset.fingerprint())
    expect(bool(found), "it is empty")
    try:
        # tuples become lists and numbers as keys become texts, so equality is the test
        same = json.loads(json.dumps(found)) == found
    except TypeError:
        same = False
    expect(same, f"JSON does not give back {found!r}")
    expect(dict(case.again().fingerprint()) == found, "the same items elsewhere have another one")
