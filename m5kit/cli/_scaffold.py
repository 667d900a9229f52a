"""Writes a complete distribution with one working part, to be changed into what its author wants."""

import re
from datetime import UTC, datetime
from importlib import resources
from keyword import iskeyword
from pathlib import Path
from string import Template

from m5kit.errors import ConfigError
from m5kit.registry import FAMILIES

_COMMON_PACKAGE = "m5kit.cli"
COMMON = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    ".github/workflows/test.yml": "ci.yml",
    "tests/test_{name}.py": "test.py",
}
"""Templates by the file that they become."""


def write_distribution(family: str, name: str, folder: Path | None) -> Path:
    """Write a new plugin.

    Args:
        family: plural.
        name: of the part, in snake case.
        folder: where; None for one named after the distribution, in the working directory.

    Returns:
        The folder.

    Raises:
        ConfigError: the name cannot be one, is taken by m5kit, or the folder holds something.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or iskeyword(name):
        raise ConfigError([f"NAME: expected a name such as my_part (lower case, digits, _), got {name!r}"])
    if name in FAMILIES[family].built_ins:
        raise ConfigError([f"NAME: m5kit has a {FAMILIES[family].singular} {name!r} itself; choose another name"])
    words = _words(family, name)
    folder = folder or Path(words["distribution"])
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError([f"--out: {folder} holds something already; choose another folder"])
    templates = {target.format(name=name): template for target, template in COMMON.items()}
    for target, template in templates.items():
        _write(folder / target, _read(_COMMON_PACKAGE, f"_templates/{template}.txt"), words)
    _write(folder / f"{words['package']}.py", _read(FAMILIES[family].package, "template.py.txt"), words)
    return folder


def _words(family: str, name: str) -> dict[str, str]:
    singular = FAMILIES[family].singular
    return {
        "family": family,
        "singular": singular,
        "article": "an" if singular[0] in "aeiou" else "a",
        "name": name,
        "class_name": "".join(word.capitalize() for word in name.split("_")),
        "distribution": f"m5kit-{singular}-{name.strip('_').replace('_', '-')}",
        "package": f"m5kit_{singular}_{name}",
        "config": _read(FAMILIES[family].package, "template.yaml.txt").substitute(name=name).rstrip(),
        "year": str(datetime.now(UTC).year),
    }


def _write(path: Path, template: Template, words: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template.substitute(words), encoding="utf-8")


def _read(package: str, file: str) -> Template:
    """A template: of a family it lies beside the family's parts."""
    return Template(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
