"""``m5kit data prepare SOURCE`` and ``m5kit data verify SHARDS``: items as a few large files, and a check of them."""

import argparse
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write, write_json
from m5kit.data.aside import naming
from m5kit.data.remote.place import Place, absolute, as_place, local_folder

if TYPE_CHECKING:
    from m5kit.data.shards.engines import ShardEngine
    from m5kit.data.shards.prepare import ShardProgress
    from m5kit.data.sources.base import Dataset

SHOWN = 20
"""Failures and problems that are printed; the rest is counted."""


def add_prepare(actions: Verbs) -> None:
    """Add the action that writes shards."""
    parser = actions.add_parser(
        "prepare",
        help="write items as shards: tar files that train quickly from any disk",
        description="Write items as indexed tar files; a run that was killed goes on where it stopped.",
    )
    parser.add_argument(
        "source", metavar="SOURCE", type=as_place, help="a manifest, its folder, a folder of tar files, or a URL"
    )
    parser.add_argument(
        "--out", type=as_place, required=True, metavar="DIR", help="a new folder, such as shop.shards, or its URL"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: one a CPU); the result is the same")
    parser.add_argument(
        "--engine",
        choices=("pool", "ray"),
        default="pool",
        help="pool: processes of this machine (default); ray: those of a cluster (RAY_ADDRESS, or one started here)",
    )
    parser.add_argument("--items", type=int, default=1000, metavar="N", help="of a shard (default: %(default)s)")
    parser.add_argument(
        "--prepare",
        action="append",
        default=[],
        metavar="MODALITY=KIND,...",
        help="what media become: jpeg,size=256 or frames,frames=8,size=224 or flac,rate=16000 or pixels,size=224 or "
        "log_mel,rate=16000; repeatable (default: they stay as they are)",
    )
    parser.add_argument(
        "--for",
        dest="config",
        metavar="CONFIG",
        help="make of all media what this config reads in evaluation, so that nothing is decoded in training",
    )
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="change a value of CONFIG"
    )
    parser.add_argument("--modalities", metavar="A,B", help="the keys that are modalities (default: the usual five)")
    parser.add_argument("--follow-links", action="store_true", help="also read what links out of the folder lead to")
    parser.set_defaults(run=prepare)


def add_verify(actions: Verbs) -> None:
    """Add the action that checks shards."""
    parser = actions.add_parser(
        "verify",
        help="check shards for damage",
        description="Read shards from end to end and name what is damaged; exit 1 if anything is.",
    )
    parser.add_argument(
        "shards", metavar="SHARDS", type=as_place, help="the folder, or its URL, that m5kit data prepare wrote"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=verify)


def prepare(options: argparse.Namespace) -> int:
    """Write the shards, tell how it goes, and what could not be taken in."""
    from m5kit.data.manifest_rows import MODALITIES
    from m5kit.data.shards.prepare import prepare
    from m5kit.data.shards.prepared import build_preparer, described
    from m5kit.data.sources.opening import open_items

    prepared = _preparations(options)
    for modality, settings in prepared.items():
        write(f"{modality} becomes {settings['type']}: {described(build_preparer(settings).settings())}")
    modalities = words(options.modalities or "") or MODALITIES
    opening = partial(open_items, absolute(options.source), modalities, options.follow_links)
    engine, jobs = _engine(options, opening)
    items = opening()
    with naming(options.out):
        found = prepare(
            items,
            absolute(options.out),
            modalities,
            prepared=prepared,
            items=options.items,
            source=absolute(options.source),
            engine=engine,
            follow_links=options.follow_links,
            report=lambda progress: write(_progress(progress, jobs)),
        )
    _write_failures(options.out)
    size = sum(shard.bytes for shard in found.shards)
    write(f"{found.items:,} items, {_shards(len(found.shards))}, {size / 1e6:,.1f} MB in {options.out}")
    write(f"next: m5kit train products/pretrained --data {options.out}")
    return 0


def _engine(options: argparse.Namespace, opening: "Callable[[], Dataset]") -> "tuple[ShardEngine, int]":
    """What makes the shards, and in how many processes."""
    from m5kit.data.shards.engines import Here, Pool

    if options.engine == "ray":
        from m5kit.data.shards.ray_shards import RayShards

        engine = RayShards(opening)
        return engine, engine.jobs
    jobs = options.jobs or os.cpu_count() or 1
    return (Pool(jobs) if jobs > 1 else Here()), jobs


def verify(options: argparse.Namespace) -> int:
    """Print every problem; 1 if there is one."""
    from m5kit.data.shards.verify import verify

    found = verify(local_folder(options.shards))
    count = len(found.problems)
    if options.json:
        about = {"items": found.shards.items, "shards": len(found.shards.shards), "problems": list(found.problems)}
        write_json(about)
        return 1 if count else 0
    for problem in found.problems:
        write(problem)
    counted = f"{count or 'no'} problem{'' if count == 1 else 's'}"
    write(f"{options.shards}: {found.shards.items:,} items in {_shards(len(found.shards.shards))}, {counted}")
    if count:
        write(
            "in training these items count as failures, up to data.max_failed; write the shards again to replace them"
        )
    return 1 if count else 0


def _preparations(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What ``--prepare`` asks for, by modality; every mistake in the options is told at once."""
    from m5kit.data.shards.prepared import build_preparer
    from m5kit.errors import ConfigError

    problems = []
    for name in ("jobs", "items"):
        value = getattr(options, name)
        if value is not None and value < 1:
            problems.append(f"--{name}: expected a number from 1, got {value}")
    prepared: dict[str, dict[str, Any]] = {}
    try:
        prepared |= _as_read_by(options)
    except ConfigError as error:
        problems += error.problems
    for given in options.prepare:
        modality, _, kind = given.partition("=")
        try:
            prepared[modality] = _settings(kind)
            build_preparer(prepared[modality])
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return prepared


def _as_read_by(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What ``--for`` asks for."""
    from m5kit.errors import ConfigError

    if options.config is None:
        if options.overrides:
            raise ConfigError(["--set changes a config; name one with --for"])
        return {}
    from m5kit.assembly.model import build_pipelines
    from m5kit.config import check_config, load_config
    from m5kit.data.shards.prepared import as_read_by

    return as_read_by(build_pipelines(check_config(load_config(options.config, options.overrides))))


def _settings(text: str) -> dict[str, Any]:
    """``jpeg,size=256`` as settings."""
    kind, *pairs = words(text) or ("",)
    settings: dict[str, Any] = {"type": kind}
    for pair in pairs:
        key, _, value = pair.partition("=")
        settings[key] = int(value) if value.isdecimal() else value
    return settings


def _progress(progress: "ShardProgress", jobs: int) -> str:
    pace = progress.items / max(progress.seconds, 1e-9)
    line = f"shard {progress.done} of {progress.shards}: {pace:,.0f} items/s, {pace / jobs:,.0f} a process"
    if progress.failures:
        line += f", {progress.failures} failures"
    minutes, seconds = divmod(round(progress.left), 60)
    return f"{line}, {minutes} min {seconds:02d} s left" if progress.done < progress.shards else line


def _write_failures(out: Place) -> None:
    from m5kit.data.json_values import parse_json
    from m5kit.data.shard_set import FAILURES
    from m5kit.data.shards.output import open_output

    text = open_output(out).read(FAILURES)
    if text is None:
        return
    # not splitlines(): a name may hold a character that it takes for the end of a line
    lines = text.strip("\n").split("\n")
    for line in lines[:SHOWN]:
        with suppress(ValueError, KeyError, TypeError):  # the folder may be a stranger's
            row = parse_json(line)
            write(f"{row['id']}: {row['modality']}: {row['reason']}")
    write(f"{len(lines)} could not be taken in and are left out; all are listed in {out}/{FAILURES}")


def _shards(count: int) -> str:
    return "1 shard" if count == 1 else f"{count:,} shards"
