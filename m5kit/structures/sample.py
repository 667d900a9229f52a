"""An item before its files are opened; nothing here needs torch, so that a manifest can be read without it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a manifest, before any file is opened. A missing modality is a missing key of ``sources``."""

    id: str
    sources: Mapping[str, Any]  # by modality: a path, a text or a table
    labels: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()  # removed on purpose, so no other modality's file is read in their place
