"""What a run was made of, so that a metric value can be traced and made again."""

import hashlib
import json
import logging
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import m5kit
from m5kit import plugins
from m5kit.config import Resolved
from m5kit.errors import CheckpointError
from m5kit.plugins.data_files import data_digest
from m5kit.runs.software import library_versions, parts_in_use, version_of

log = logging.getLogger("m5kit")


def collect(resolved: Resolved, data: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance of a run that starts now, as JSON data.

    Args:
        resolved: the run's config.
        data: fingerprint of the items.
    """
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "config": {"name": resolved.name, "sha256": config_hash(resolved)},
        "seed": resolved.values["seed"],
        "m5kit": {"version": m5kit.__version__, "git": git_state()},
        "plugins": plugins_in_use(resolved),
        "data": dict(data),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": library_versions(),
    }


def config_hash(resolved: Resolved) -> str:
    """SHA-256 of the config's values; the order of keys and the origins do not count."""
    return hashlib.sha256(json.dumps(resolved.values, sort_keys=True).encode()).hexdigest()


def git_state() -> dict[str, Any] | None:
    """Commit of the checkout that holds m5kit, else of the working directory's; None where there is neither.

    ``dirty`` says that tracked files differ from the commit; None where asking would start a program that the checkout
    itself names.
    """
    package = Path(m5kit.__file__).parent.parent
    for folder in (package, Path.cwd()):
        # an installed m5kit may lie inside somebody else's checkout, whose commit says nothing about it
        if folder == package and not (folder / ".git").exists():
            continue
        commit = _git(folder, "rev-parse", "HEAD")
        if commit is not None:
            about = "m5kit" if folder == package else "working directory"
            return {"of": about, "commit": commit, "dirty": _is_dirty(folder)}
    return None


def _is_dirty(folder: Path) -> bool | None:
    # `status` starts filters and the monitor of files; a folder out of an archive may bring settings of its own
    settings = _git(folder, "config", "--show-scope", "--get-regexp", r"^(filter\.|core\.fsmonitor)") or ""
    if any(line.startswith(("local", "worktree")) for line in settings.splitlines()):
        return None
    return bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))


def plugins_in_use(resolved: Resolved) -> list[dict[str, str]]:
    """Distribution, version and entry point of each part that a plugin provides, those inside other parts included."""
    return [_record(key, part) for key, part in parts_in_use(resolved)]


def _record(key: str, part: plugins.PluginPart) -> dict[str, str]:
    data = data_digest(Path(part.distribution)) if part.local else ""
    return {
        "key": key,
        "distribution": part.distribution,
        "version": part.version,
        "group": f"m5kit.v{part.api}.{part.family}",
        "entry_point": f"{part.name} = {part.target}",
        **({"data": data} if data else {}),
    }


def require_plugins(provenance: Mapping[str, Any]) -> None:
    """See that the plugins that a run was trained with are here, none older than then; a newer one is noted.

    Args:
        provenance: of the run.

    Raises:
        CheckpointError: the plugins that are missing, older or left out, with the versions that the run had and what to
            install.
    """
    used = provenance.get("plugins", ())
    try:
        problems = list(filter(None, map(_plugin_problem, used)))
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"the provenance of the run lists its plugins in no known way: {error!r}") from error
    if problems:
        raise CheckpointError("\n".join(dict.fromkeys(problems)))
    for each in used:
        here = _version_here(each)
        if here != each["version"]:
            _note(f"{_trained_with(each)}; here it is {here}, so metric values may differ a little")
        elif "data" in each and data_digest(Path(each["distribution"])) != each["data"]:
            _note(f"{_trained_with(each)}; files that it names have changed since, so metric values may differ")


def _plugin_problem(used: Mapping[str, str]) -> str | None:
    name, trained, here = used["distribution"], used["version"], _version_here(used)
    if here is None and Path(name).is_absolute():
        return f"{_trained_with(used)}, and there is no such file; bring it back"
    if here is None:
        return f"{_trained_with(used)}, which is not installed; run: pip install '{name}=={trained}'"
    if Path(name).is_absolute():
        return None
    if _release(here) < _release(trained):
        return (
            f"{_trained_with(used)}, the one installed is older: {here}; run: pip install --upgrade '{name}>={trained}'"
        )
    return None if _publishes(used) else f"{_trained_with(used)}, {_why_not_published(used, here)}"


def _trained_with(used: Mapping[str, str]) -> str:
    return f"{used['key']} of the run was trained with the plugin {used['distribution']} {used['version']}"


def _version_here(used: Mapping[str, str]) -> str | None:
    """The installed version, or the hash of a local file; None if it is not here."""
    path = Path(used["distribution"])
    if not path.is_absolute():
        return version_of(used["distribution"])
    return plugins.hash_of(path) if path.is_file() else None


def _publishes(used: Mapping[str, str]) -> bool:
    """Whether the part that the run was trained with is among those that may be used now."""
    family, name = used["group"].rpartition(".")[2], used["entry_point"].partition(" = ")[0]
    for part in plugins.discover().get(family, ()):
        if part.name == name and plugins.same_distribution(part.distribution, used["distribution"]):
            return True
    return False


def _why_not_published(used: Mapping[str, str], here: str) -> str:
    if not plugins.current_scope().allows(used["distribution"]):
        return f"which is installed but left out by {plugins.ALLOW_VARIABLE}, --no-plugins or plugins.allow; allow it"
    name, trained = used["distribution"], used["version"]
    return f"of which the one installed, {here}, has no {used['entry_point']!r}; run: pip install '{name}=={trained}'"


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.match(r"[\d.]*", version)[0].split(".") if number)  # type: ignore[index]


@cache
def _note(text: str) -> None:
    """Log the text once a process, however often a run is opened."""
    log.warning("note: %s", text)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, errors="replace", timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # no git on this machine, or a disk too slow to ask
    return answer.stdout.strip() if answer.returncode == 0 else None
