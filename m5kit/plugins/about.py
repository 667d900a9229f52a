"""What the metadata of a distribution says about it."""

from dataclasses import dataclass

import importlib_metadata as metadata


@dataclass(frozen=True, slots=True)
class About:
    """A distribution, as its author describes it; empty where nothing is said."""

    summary: str = ""
    licence: str = ""
    home: str = ""
    requires: tuple[str, ...] = ()


def about(distribution: str) -> About:
    """Read the metadata of an installed distribution; a local file has none."""
    try:
        found = metadata.distribution(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return About()
    head = found.metadata
    links = [link.partition(",")[2].strip() for link in head.get_all("Project-URL") or []]
    return About(
        summary=str(head.get("Summary") or ""),
        licence=_licence(head),
        home=str(head.get("Home-page") or next(iter(links), "")),
        requires=tuple(found.requires or ()),
    )


def _licence(head: metadata.PackageMetadata) -> str:
    named = head.get("License-Expression") or head.get("License") or ""
    by_classifier = [c.rpartition(" :: ")[2] for c in head.get_all("Classifier") or [] if c.startswith("License")]
    return str(named).partition("\n")[0] or ", ".join(by_classifier)
