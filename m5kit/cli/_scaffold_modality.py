"""Writes a complete distribution with a new modality: how its files are read, prepared and encoded."""

from datetime import UTC, datetime
from pathlib import Path

from m5kit.cli._scaffold import COMMON_PACKAGE, check_name, new_folder, read_template, write_template
from m5kit.data.manifest_rows import MODALITIES
from m5kit.errors import PluginError
from m5kit.registry import DECODERS, TRANSFORMS

KIND = "modality"
"""What stands in place of a family: a modality has parts of three of them."""
_FILES = {
    "pyproject.toml": "modality_pyproject.toml",
    "README.md": "modality_README.md",
    "LICENSE": "LICENSE",
    ".github/workflows/test.yml": "ci.yml",
    "tests/test_{name}.py": "modality_test.py",
    "{package}/configs/_base_/input_{name}/{name}.yaml": "modality_input.yaml",
    "{package}/configs/_base_/encoder_{name}/{name}.yaml": "modality_piece.yaml",
}


def write_modality(name: str, folder: Path | None) -> Path:
    """Write a new plugin with a decoder, a transform, an encoder and config pieces.

    Args:
        name: of the modality, in snake case; items have their file under this key.
        folder: to write to; None for one named after the distribution, in the working directory.

    Returns:
        The folder.

    Raises:
        PluginError: the name is not valid or that of a modality of m5kit, or the folder is not empty.
    """
    check_name(name)
    if name in MODALITIES:
        raise PluginError(f"NAME: m5kit has the modality {name!r} itself; choose another name")
    words = {
        "name": name,
        "class_name": "".join(word.capitalize() for word in name.split("_")),
        "distribution": f"m5kit-{KIND}-{name.strip('_').replace('_', '-')}",
        "package": f"m5kit_{KIND}_{name}",
        "year": str(datetime.now(UTC).year),
    }
    folder = new_folder(folder, words["distribution"])
    for target, template in _FILES.items():
        source = read_template(COMMON_PACKAGE, f"_templates/{template}.txt")
        write_template(folder / target.format(**words), source, words)
    package = folder / words["package"]
    (package / "__init__.py").write_text(f'"""The modality {name} for m5kit."""\n', encoding="utf-8")
    sources = {
        "decoder": read_template(DECODERS.package, "template.py.txt"),
        "transform": read_template(TRANSFORMS.package, "template.py.txt"),
        # the family's own template reads ids of a text
        "encoder": read_template(COMMON_PACKAGE, "_templates/modality_encoder.py.txt"),
    }
    for singular, source in sources.items():
        part = {
            **words,
            "singular": singular,
            "article": "an" if singular[0] in "aeiou" else "a",
            "class_name": f"{words['class_name']}{singular.capitalize()}",
        }
        write_template(package / f"{singular}.py", source, part)
    return folder
