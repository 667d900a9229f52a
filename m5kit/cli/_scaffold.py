"""Writes a complete distribution with one working part, to be changed into what its author wants."""

import re
from datetime import UTC, datetime
from importlib import resources
from keyword import iskeyword
from pathlib import Path
from string import Template

from m5kit.errors import ConfigError
from m5kit.registry import FAMILIES

COMMON = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    ".github/workflows/test.yml": "ci.yml",
    "tests/test_{name}.py": "test.py",
}
"""Templates by the file that they become."""

USES = {
    "encoders": "encoder_text:\n  type: {name}",
    "fusions": "fusion:\n  type: {name}",
    "harmonizers": "harmonizer:\n  type: {name}",
    "tasks": "task_{name}:\n  type: {name}",
    "balancers": "balancer:\n  type: {name}",
    "heads": "head:\n  type: {name}",
    "metrics": "evaluation:\n  {name}:\n    type: {name}\n    split: test\n    label: coarse",
    "exporters": "# no config: m5kit embed RUN --data DIR --out items.{name}",
    "hooks": "hooks:\n  {name}:\n    type: {name}",
    "datasets": "data:\n  source:\n    type: {name}",
    "decoders": "input_numbers:\n  decoder:\n    type: {name}\n  transform:\n    type: ...",
    "transforms": "input_numbers:\n  decoder:\n    type: ...\n  transform:\n    type: {name}",
}
"""How a config names a part, by family."""


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
    templates[f"{words['package']}.py"] = f"parts/{family}.py"
    for target, template in templates.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_read(template).substitute(words), encoding="utf-8")
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
        "config": USES[family].format(name=name),
        "year": str(datetime.now(UTC).year),
    }


def _read(template: str) -> Template:
    return Template(resources.files("m5kit.cli").joinpath("_templates", f"{template}.txt").read_text(encoding="utf-8"))
