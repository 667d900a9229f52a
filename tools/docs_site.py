"""What mkdocs builds besides the pages in docs/: the landing page, the changelog, and a page for each family of parts.

A hook of ``mkdocs.yml``; ``make docs`` builds the site.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from m5kit.cli.reference import family_page
from m5kit.registry import FAMILIES

ROOT = Path(__file__).parent.parent
HOW_TOS = {
    "First steps": ("first-search", "demo-data"),
    "Data": (
        *("own-data", "import-data", "data-stats", "several-files", "media", "shards", "remote-data"),
        *("feature-files", "datasets", "new-modality"),
    ),
    "Training": (
        *("configs", "pretrained-encoders", "watch-training", "pretext-tasks", "balance-tasks", "augmentation"),
        *("optimizers", "hooks", "finetune", "large-batches", "token-batches", "many-gpus", "clusters"),
    ),
    "Using a run": (
        *("python", "evaluate", "search", "serve"),
        *("export-embeddings", "other-stores", "export-models"),
    ),
    "Studies": ("ablations", "baselines", "m5product-preset", "benchmarks"),
}
"""How-tos by heading."""
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Give every page its place: pages are found, so that a new one needs no line in ``mkdocs.yml``."""
    config.nav = [
        {"Home": "index.md"},
        *_how_tos(),
        {"Ideas": [*_pages("concepts"), "glossary.md"]},
        {"Plugins": _pages("plugins")},
        {"Reference": [f"reference/{family}.md" for family in FAMILIES]},
        {"Background": [page for page in _pages("") if page != "glossary.md"] + ["changelog.md"]},
        {"Decisions": _pages("adr")},
    ]
    return config


def _how_tos() -> Iterator[dict[str, list[str]]]:
    """The how-tos in the order in which a newcomer needs them; those without a place in it come last."""
    left = _pages("howto")
    for heading, names in HOW_TOS.items():
        chosen = [f"howto/{name}.md" for name in names if f"howto/{name}.md" in left]
        left = [page for page in left if page not in chosen]
        yield {heading: chosen}
    if left:
        yield {"More": left}


def _pages(folder: str) -> list[str]:
    """The pages of a folder of docs/, by name."""
    return sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs" / folder).glob("*.md"))


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made of other sources."""
    pages = {"index.md": _of_root("README.md"), "changelog.md": _of_root("CHANGELOG.md")}
    for family in FAMILIES:
        pages[f"reference/{family}.md"] = "\n".join(family_page(family))
    for place, text in pages.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Show links to files that the site does not hold, such as configs and plugins, as their path in the repository."""
    folder = ROOT / "docs" / Path(page.file.src_uri).parent

    def shown(link: re.Match[str]) -> str:
        text, target = link.group(1), link.group(2)
        # whatever is not among the site's own files lies somewhere else in the repository
        path = (folder / target).resolve()
        place = path.relative_to(ROOT / "docs") if path.is_relative_to(ROOT / "docs") else None
        if place is not None and files.get_file_from_path(place.as_posix()) is not None:
            return link.group()
        inside = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else target
        return text if inside in text else f"{text} (`{inside}`)"

    return _LINK.sub(shown, markdown)


def _of_root(name: str) -> str:
    """A page beside docs/, with its links as they are from inside."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\]\((?!https?:|#|docs/)([^)]+)\)", r"](../\1)", text)
    return text.replace("](docs/", "](")
