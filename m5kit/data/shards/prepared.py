"""What media may become while shards are written, and whether that is what a run reads."""

from collections.abc import Mapping
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

from m5kit.data.pipeline import Pipeline
from m5kit.data.shard_set import read_shard_set
from m5kit.data.shards._pictures import Frames, Jpeg, Pixels
from m5kit.data.shards._sounds import Flac, LogMel
from m5kit.data.shards.preparer import Preparer
from m5kit.errors import ConfigError

KINDS: Mapping[str, type[Preparer]] = {kind.name: kind for kind in (Jpeg, Frames, Pixels, LogMel, Flac)}


def build_preparer(settings: Mapping[str, Any]) -> Preparer:
    """The preparer that settings describe.

    Raises:
        ConfigError: unknown names, or values of another kind; every mistake is named.
    """
    given = dict(settings)
    kind = KINDS.get(given.pop("type", ""))
    if kind is None:
        raise ConfigError([f"--prepare: {settings.get('type')!r} is no kind of file; there are {', '.join(KINDS)}"])
    known = signature(kind).parameters
    problems = []
    for key, value in given.items():
        default = known[key].default if key in known else None
        if key not in known:
            problems.append(f"--prepare: {kind.name} has no setting {key!r}; it has {', '.join(known)}")
        elif key in kind.choices and value not in kind.choices[key]:
            problems.append(f"--prepare: {kind.name}.{key}: expected {' or '.join(kind.choices[key])}, got {value!r}")
        elif isinstance(default, int) and value != default and not (isinstance(value, int) and value > 0):
            problems.append(f"--prepare: {kind.name}.{key}: expected a whole number over 0, got {value!r}")
    if problems:
        raise ConfigError(problems)
    return kind(**given)


def as_read_by(pipelines: Mapping[str, Pipeline]) -> dict[str, dict[str, Any]]:
    """By modality, what to make of its media so that a run with these pipelines decodes nothing.

    What the pipelines read in another way, such as text and features, is a missing key.
    """
    prepared = {}
    for modality, pipeline in pipelines.items():
        kinds = (kind.reading_for(pipeline.decoder, pipeline.transform) for kind in KINDS.values())
        found = next(filter(None, kinds), None)
        if found is not None:
            prepared[modality] = replace(found, source=pipeline.source).settings()
    return prepared


def described(settings: Mapping[str, Any]) -> str:
    """The settings of a preparer in words, such as ``size 40, quality 90``."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if value and key not in ("type", "source"))


def require_prepared_for(root: Path, pipelines: Mapping[str, Pipeline]) -> None:
    """See that the shards in a folder, if it holds any, have what a run reads.

    Raises:
        ConfigError: media were prepared smaller, fewer or at a lower rate than the config asks for.
    """
    found = read_shard_set(root)
    problems = []
    for modality, settings in (found.prepared if found else {}).items():
        pipeline = pipelines.get(modality)
        short = build_preparer(settings).shortfall(pipeline.decoder, pipeline.transform) if pipeline else None
        if short is not None:
            problems.append(
                f"input_{modality} asks for {short}, and {root} was prepared with {described(settings)}; ask for "
                f"less with --set input_{modality}..., or write other shards with m5kit data prepare"
            )
    if problems:
        raise ConfigError(problems)
