"""Writes a complete distribution with one working part, which its author then changes."""

import re
from datetime import UTC, datetime
from importlib import resources
from keyword import iskeyword
from pathlib import Path
from string import Template

from m5kit.errors import PluginError
from m5kit.registry import FAMILIES

COMMON_PACKAGE = "m5kit.cli"
COMMON = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    ".github/workflows/test.yml": "ci.yml",
    "tests/test_{name}.py": "test.py",
}
"""The template of each file of a new distribution."""


def write_distribution(family: str, name: str, folder: Path | None) -> Path:
    """Write a new plugin.

    Args:
        family: plural.
        name: of the part, in snake case.
        folder: to write to; None for one named after the distribution, in the working directory.

    Returns:
        The folder.

    Raises:
        PluginError: the name is not valid or belongs to a built-in part, or the folder is not empty.
    """
    check_name(name)
    if name in FAMILIES[family].built_ins:
        raise PluginError(f"NAME: m5kit has a {FAMILIES[family].singular} {name!r} itself; choose another name")
    words = _words(family, name)
    folder = new_folder(folder, words["distribution"])
    for target, template in COMMON.items():
        write_template(
            folder / target.format(name=name), read_template(COMMON_PACKAGE, f"_templates/{template}.txt"), words
        )
    write_template(folder / f"{words['package']}.py", read_template(FAMILIES[family].package, "template.py.txt"), words)
    return folder


def check_name(name: str) -> None:
    """The name becomes a module, so it must be an identifier.

    Raises:
        PluginError: it is none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or iskeyword(name):
        raise PluginError(f"NAME: expected a name such as my_part (lower case, digits, _), got {name!r}")


def new_folder(given: Path | None, distribution: str) -> Path:
    """The folder to write to; one that holds anything is refused, as a template must not overwrite somebody's work.

    Raises:
        PluginError: it holds something.
    """
    folder = given or Path(distribution)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PluginError(f"--out: {folder} holds something already; choose another folder")
    return folder


def _words(family: str, name: str) -> dict[str, str]:
    """What the templates' placeholders become."""
    singular = FAMILIES[family].singular
    return {
        "family": family,
        "singular": singular,
        "article": "an" if singular[0] in "aeiou" else "a",
        "name": name,
        "class_name": "".join(word.capitalize() for word in name.split("_")),
        "distribution": f"m5kit-{singular}-{name.strip('_').replace('_', '-')}",
        "package": f"m5kit_{singular}_{name}",
        "config": read_template(FAMILIES[family].package, "template.yaml.txt").substitute(name=name).rstrip(),
        "year": str(datetime.now(UTC).year),
    }


def write_template(path: Path, template: Template, words: dict[str, str]) -> None:
    """Fill in a template and write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template.substitute(words), encoding="utf-8")


def read_template(package: str, file: str) -> Template:
    """Read a template; that of a family is stored beside the family's parts."""
    return Template(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
