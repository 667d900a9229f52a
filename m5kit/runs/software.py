"""The software that a run stands on: versions, and contents where a version does not tell."""

import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

import m5kit
from m5kit import plugins
from m5kit.config import Resolved, find_parts
from m5kit.plugins.content import code_of, digest_of
from m5kit.plugins.data_files import data_digest
from m5kit.plugins.imports import packages_of
from m5kit.plugins.scope import plain_name
from m5kit.registry import FAMILIES

LIBRARIES = (
    *("torch", "torchvision", "torchaudio", "mmengine", "transformers", "open_clip_torch", "tokenizers", "decord"),
    *("av", "soundfile", "pillow", "simplejpeg", "numpy", "pyarrow", "safetensors", "scikit-learn", "scipy"),
)
"""The distributions whose versions can change a metric value."""
REQUIRED = " (required by plugins)"
"""Ends the name of a distribution that plugins require, except those above."""


def software(resolved: Resolved) -> dict[str, str]:
    """Name and version of everything outside the config that can change a result; plugins by their content, too.

    Two runs of one config, seed and data are the same computation only if this is the same, too.
    """
    found = {"m5kit": m5kit.__version__, "Python": platform.python_version(), **library_versions()}
    for _, part in parts_in_use(resolved):
        if not part.local:
            found[part.distribution] = part.version
            # an editable install changes, and its version does not
            found[f"{part.distribution}, code"] = digest_of(part) or "not found"
            found |= _required(part.distribution)
    for file in resolved.plugins.files:
        name = Path(file.path).name  # without the folder, which may be another on another machine
        _add(found, name, file.digest)
        _add(found, f"{name}, data", data_digest(Path(file.path)))
        for package in packages_of(Path(file.path)):
            found |= _package_version(package)
    return found


def library_versions() -> dict[str, str]:
    """The versions of ``LIBRARIES`` that are installed."""
    found = {name: version_of(name) for name in LIBRARIES}
    return {name: version for name, version in found.items() if version is not None}


def parts_in_use(resolved: Resolved) -> Iterator[tuple[str, plugins.PluginPart]]:
    """Each part that a plugin provides, with its key in the config."""
    for part in find_parts(resolved.values):
        for key, name in _types(part.key, part.given):
            if name.removeprefix("m5kit:") in FAMILIES[part.family].built_ins:
                continue
            found = plugins.find(part.family, name, resolved.plugins)
            if found is not None:
                yield key, found


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution; None if it is not here."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _types(key: str, given: Any) -> Iterator[tuple[str, str]]:
    """Dotted key and type of a part and of those that its arguments hold, which are of its family."""
    if isinstance(given, Mapping):
        if isinstance(given.get("type"), str):
            yield key, given["type"]
        for name, value in given.items():
            yield from _types(f"{key}.{name}", value)


def _add(found: dict[str, str], name: str, digest: str) -> None:
    """Note a digest; two local files of one name both count."""
    if digest:
        found[name] = f"{found[name]} {digest}" if name in found else digest


def _package_version(package: str) -> dict[str, str]:
    """The version of what a local plugin imports, by its distribution; of what is not installed, its code."""
    known = (package,) if version_of(package) is not None else metadata.packages_distributions().get(package, ())
    if not known:
        return {f"{package}, code": code_of(package) or "not found"}
    found = {name: version_of(name) or "not found" for name in known}
    for name in known:
        found |= _required(name)
    return found


@cache
def _required(distribution: str) -> Mapping[str, str]:
    """The versions of what a distribution requires, and of what that requires, except what every run is compared by.

    Those libraries, and what they stand on, are the same for runs without any plugin.
    """
    found: dict[str, str] = {}
    seen = {(plain_name(name), "") for name in ("m5kit", *LIBRARIES)}
    stops = {name for name, _ in seen}
    waiting = [(distribution, "")]
    while waiting:
        name, extra = waiting.pop()
        for needed in _requirements(name, extra):
            plain = plain_name(needed.name)
            if plain not in stops:
                found[f"{plain}{REQUIRED}"] = version_of(needed.name) or "not found"
                new = {(plain, each) for each in ("", *needed.extras)} - seen
                seen |= new
                waiting += sorted(new)
    return found


def _requirements(distribution: str, extra: str) -> Iterator[Requirement]:
    """What an installed distribution requires on this machine, and an extra of it; no extra is an empty text."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        try:
            needed = Requirement(line)
        except InvalidRequirement:  # of an old distribution; pip refuses it, so it was installed by another way
            continue
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            yield needed
