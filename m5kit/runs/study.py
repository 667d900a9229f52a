"""A study: what the runs of a sweep, or any other runs, found together. ``study.json`` is this as JSON.

The keys of the file are older than the names here: ``figures`` are metrics, a ``view`` is a modality subset, and
what is ``damaged`` is corrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from m5kit.errors import CheckpointError
from m5kit.runs.json import read_json, write_json
from m5kit.runs.study_factors import FactorEffects


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and an interval around it.

    Attributes:
        mean: None if there is no value.
        low: lower end; None where the values cannot give an interval, as a single one cannot.
        high: upper end.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Interval):
    """What several runs say about one metric; ``chance`` is the mean of their chance levels, None without any."""

    chance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Interval):
    """How far a variant is from the reference, over the seeds that both have.

    Attributes:
        pairs: how many seeds these are.
        p: two-sided p value of the paired test; None where it cannot be computed.
        holm: the same after Holm's correction over the rows of the study.
    """

    pairs: int
    p: float | None = None
    holm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedValues(Estimate):
    """One metric of one row.

    Attributes:
        values: the metric's value by seed.
        difference: from the reference; None for the reference itself, and where nothing is compared.
        counts: how many items or queries each value was made of, by seed.
    """

    values: Mapping[int, float]
    difference: Difference | None = None
    counts: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionPoint(Estimate):
    """What is found when items are corrupted with this strength; 0 is clean."""

    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionCurve:
    """One metric as items are corrupted more and more.

    Attributes:
        task: name of the metric's task in the config.
        metric: which of its values.
        kind: of corruption.
        curve: from weak to strong.
        relative: mean over the strengths above 0, divided by the clean value.
    """

    task: str
    metric: Annotated[str, Field(alias="figure")]
    kind: str
    curve: Sequence[CorruptionPoint]
    relative: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run of a variant takes.

    Attributes:
        seconds: of training and evaluation; mean, least and most.
        memory: the most bytes that one process held at once.
        parameters: numbers in the last checkpoint.
    """

    seconds: Interval
    memory: int | None = None
    parameters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrigin:
    """What one run was made of; empty where its folder does not tell.

    Attributes:
        data: that it was trained and tested on, with its size and the beginning of its fingerprint.
        steps: of training, such as ``400`` or ``193 of 400``.
        versions: of m5kit, its plugins, Python and the libraries that can change a result.
    """

    data: str = ""
    steps: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One variant, seen with one subset of its modalities.

    Attributes:
        variant: its name.
        subset: the modalities that the model may see, as ``image+text``; empty for what the config says.
        seeds: of its runs.
        runs: folders of its runs, relative to the study's, in the order of ``seeds``.
        metrics: what was found, by ``TASK/METRIC``.
        cost: None for a subset: its run is that of the whole.
        corrupted: one curve for each task and kind of corruption; empty for a subset.
        origins: of its runs, in the order of ``seeds``; empty for a subset.
    """

    variant: str
    subset: Annotated[str, Field(alias="view")] = ""
    seeds: Sequence[int] = ()
    runs: Sequence[str] = ()
    metrics: Annotated[Mapping[str, SeedValues], Field(alias="figures")]
    cost: Cost | None = None
    corrupted: Annotated[Sequence[CorruptionCurve], Field(alias="damaged")] = ()
    origins: Sequence[RunOrigin] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A run that ended without results; ``log`` is relative to the study's folder."""

    variant: str
    seed: int
    reason: str | None
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgress:
    """How many runs are done, have failed, and are left to run."""

    done: int = 0
    failed: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything that a report shows.

    Attributes:
        title: of the report.
        about: one sentence below it; may be empty.
        metrics: ``TASK/METRIC``; the first is the one that plots show.
        reference: the variant that the others are compared with.
        confidence: of the intervals.
        interval: ``student`` or ``bootstrap``.
        test: ``permutation`` or ``t``.
        subsets_compared: whether rows of subsets are compared with the reference; False where they are many.
        rows: in the order of the report.
        factors: of a grid; None for other studies.
        failed: runs without results.
        progress: of the sweep.
        notes: sentences that a reader must know.
    """

    title: str
    about: str = ""
    metrics: Annotated[Sequence[str], Field(alias="figures")]
    reference: str = ""
    confidence: float = 0.95
    interval: str = "student"
    test: str = "permutation"
    subsets_compared: Annotated[bool, Field(alias="views_compared")] = True
    rows: Sequence[StudyRow] = ()
    factors: FactorEffects | None = None
    failed: Sequence[FailedRun] = ()
    progress: StudyProgress = StudyProgress()
    notes: Sequence[str] = ()

    @classmethod
    def from_json(cls, data: Any) -> "Study":
        """Make a study of what ``study.json`` holds.

        Raises:
            ValueError: it is no study.
        """
        return _adapter().validate_python(data)

    def as_json(self) -> dict[str, Any]:
        """What ``study.json`` holds."""
        found: dict[str, Any] = _adapter().dump_python(self, by_alias=True, mode="json")
        return found

    @classmethod
    def read(cls, path: Path) -> "Study":
        """Read a ``study.json``.

        Raises:
            CheckpointError: the file is missing, damaged, or holds no study.
        """
        try:
            return cls.from_json(read_json(path))
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"]))
            raise CheckpointError(f"{path} holds no study: {place}: {error.errors()[0]['msg']}") from error

    def write(self, path: Path) -> None:
        """Write a ``study.json``."""
        write_json(path, self.as_json())

    @property
    def whole_rows(self) -> list[StudyRow]:
        """The rows in which the model sees what its config says."""
        return [row for row in self.rows if not row.subset]


@cache
def _adapter() -> TypeAdapter[Study]:
    return TypeAdapter(Study)
