"""Reads the metadata of a distribution: summary, licence, home page, requirements."""

from dataclasses import dataclass

import importlib_metadata as metadata


@dataclass(frozen=True, slots=True)
class About:
    """A distribution as its author describes it; fields without a value are empty."""

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
    # a project URL is written as "label, address"
    links = [link.partition(",")[2].strip() for link in head.get_all("Project-URL") or []]
    return About(
        summary=str(head.get("Summary") or ""),
        licence=_licence(head),
        home=str(head.get("Home-page") or next(iter(links), "")),
        requires=tuple(found.requires or ()),
    )


def _licence(head: metadata.PackageMetadata) -> str:
    """The licence: newer metadata have an expression, older ones a text or classifiers."""
    named = head.get("License-Expression") or head.get("License") or ""
    classifiers = head.get_all("Classifier") or []
    by_classifier = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License")]
    # some authors put the whole licence into the field
    return str(named).partition("\n")[0] or ", ".join(by_classifier)
