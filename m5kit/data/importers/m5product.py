"""Imports M5Product: its metadata, media, released features and the splits of the paper.

The files are described in Dong et al., "M5Product: Self-harmonized Contrastive Learning for E-commercial Multi-modal
Pretraining" (CVPR 2022) and its toolkit. None of them is part of m5kit, and their licence forbids handing them on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from m5kit.data.classes import CLASSES, write_classes
from m5kit.data.importers.absence import is_there
from m5kit.data.importers.ids import read_map, stream_json
from m5kit.data.importers.m5product_splits import ListedSplits
from m5kit.data.importers.media import Media
from m5kit.data.importers.report import ImportReport, MissingList
from m5kit.data.importers.spellings import Spellings
from m5kit.data.importers.values import as_name, as_text
from m5kit.data.importers.walk import LeftOut
from m5kit.data.importers.writer import Format, ManifestWriter
from m5kit.data.manifest_rows import MODALITIES
from m5kit.errors import DataError

SUFFIXES = {"image": ".jpg", "video": ".mp4", "audio": ".mp3"}
FIELDS = {"image": "url", "video": "video", "audio": "video"}
"""By modality, the field of a record that says that it should be there."""

Place = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class M5Product:
    """Where the parts of the data set lie.

    Attributes:
        metadata: JSON object, product id → record with ``title``, ``pv``, ``label``, ``url``, ``video``.
        media: by modality, a folder of ``ID.jpg``, ``ID.mp4`` or ``ID.mp3``.
        features: by modality, a folder of ``ID.npy``, in place of media.
        regions: TSV files of region features, in place of images.
        splits: by split, its list of ids.
        rest: the split of products in no list; they are left out if None.
        instances: JSON object, product id → record or text whose ``label`` is the instance: the label ``fine``.
        label_map: JSON object, label → label that takes its place.
        label_list: JSON list of labels in the order of their class numbers; fine-tuning on ``coarse`` numbers them so.
    """

    metadata: Path
    media: Mapping[str, Path] = field(default_factory=dict)
    features: Mapping[str, Path] = field(default_factory=dict)
    regions: Sequence[Path] = ()
    splits: Mapping[str, Path] = field(default_factory=dict)
    rest: str | None = None
    instances: Path | None = None
    label_map: Path | None = None
    label_list: Path | None = None

    def __post_init__(self) -> None:
        twice = set(self.media) & set(self.features) | (
            {"image"} & {*self.media, *self.features} if self.regions else set()
        )
        if twice:
            raise DataError(
                f"{min(twice)} comes from media and from features; choose one, and import the other elsewhere"
            )
        if gone := [path for path in (*self.media.values(), *self.features.values()) if not path.is_dir()]:
            raise DataError(f"there is no folder {gone[0]}")
        files = (self.metadata, *self.regions, *self.splits.values(), self.instances, self.label_map, self.label_list)
        if gone := [file for file in files if file and not file.is_file()]:  # a pipe would be waited for
            raise DataError(f"there is no file {gone[0]}")


def import_m5product(data: M5Product, out: Path, *, copy: bool = False, format: Format = "arrow") -> ImportReport:  # noqa: A002
    """Write the manifest; memory does not grow with the metadata, and by 13 bytes for each id that a list names.

    A product in several lists becomes an item of each; from the second on its id is ``ID@SPLIT``.

    Args:
        data: the parts.
        out: the manifest's folder.
        copy: copy media and features instead of linking their folders.
        format: of the manifest.

    Raises:
        DataError: a file is missing or damaged, or nothing was imported.
    """
    with ManifestWriter(out, format) as writer:
        report = ImportReport(writer.path)
        with MissingList(report) as missing:
            places = _places(data, out, copy, missing)
            splits = ListedSplits(data.splits, data.rest)
            labels = _Labels(data, report)
            for name, record in stream_json(data.metadata):
                report.rows += 1
                item = _item(name, record, places, missing)
                if item is None:
                    report.pass_over("record without a modality", name)
                    continue
                item["labels"] = labels.of(name, record)
                for split, identity in splits.of(name):
                    writer.add({**item, "id": identity, "split": split})
                    report.count({**item, "split": split}, MODALITIES)
            splits.close(report, missing)
            labels.close(report)
        if not report.items:
            raise DataError(f"no product of {data.metadata} is in a list; are the lists of the same release?")
    return report


def parse_properties(text: Any, left_out: LeftOut = lambda reason, pair: None) -> dict[str, str | list[str]] | None:
    """The table in a ``pv``; None if there is none, which the data marks by an empty text or a single character.

    A pair without its sign, key or value is left out; a key that comes again has a list of values.

    Example:
        >>> parse_properties("brand#:#Nord#;#size#:#3#;#size#:#4#;#broken#;#empty#:#")
        {'brand': 'Nord', 'size': ['3', '4']}
        >>> parse_properties("0") is None
        True
    """
    if not isinstance(text, str) or len(text.strip()) <= 1:
        return None
    found: dict[str, list[str]] = {}
    for pair in text.split("#;#"):
        key, sign, value = map(str.strip, pair.partition("#:#"))
        if not (sign and key and value) and pair.strip():
            left_out("pairs of pv without their sign, key or value", pair)
        if sign and key and value and value not in found.get(key, ()):
            found.setdefault(key, []).append(value)
    table: dict[str, Any] = {}
    for key, values in found.items():
        table[key] = values[0] if len(values) == 1 else values
    return table or None


def _places(data: M5Product, out: Path, copy: bool, missing: MissingList) -> dict[str, Place]:
    """By modality, what gives the reference of a product."""
    report = missing.report
    places = {m: _files(m, folder, SUFFIXES[m], out, copy, report) for m, folder in data.media.items()}
    # given features come after the media and replace them: who names both wants the features
    places |= {m: _files(m, folder, ".npy", out, copy, report) for m, folder in data.features.items()}
    if data.regions:
        from m5kit.data.importers.regions import pack_regions  # brings torch, which metadata does without

        places["image"] = pack_regions(data.regions, out, missing).place
    return places


def _files(modality: str, folder: Path, suffix: str, out: Path, copy: bool, report: ImportReport) -> Place:
    media = Media(out, folder, copy, report=report, name=f"{modality}_features" if suffix == ".npy" else f"{modality}s")
    return lambda name: media.place(modality, f"{name}{suffix}", name)


def _item(name: str, record: Any, places: Mapping[str, Place], missing: MissingList) -> dict[str, Any] | None:
    if not isinstance(record, Mapping):
        return None
    title, report = record.get("title"), missing.report
    item: dict[str, Any] = {"table": parse_properties(record.get("pv"), report.leave_out), "text": None}
    if title is not None and not isinstance(title, str):
        report.leave_out("titles that are no texts", f"{title!r} of {name}")
    elif is_there(title, "title", report):
        item["text"] = as_text(title, "title", report)
    for modality, place in places.items():
        item[modality] = place(name)
        if item[modality] is None and record.get(FIELDS[modality]):
            missing.add(modality, name, record[FIELDS[modality]])
    return item if any(value is not None for value in item.values()) else None


class _Labels:
    """The labels of a product: ``coarse`` is its category, ``fine`` its instance."""

    def __init__(self, data: M5Product, report: ImportReport) -> None:
        self._report, self._spellings = report, Spellings(report.notice)
        self._map = read_map(data.label_map) if data.label_map else {}
        listed = (name for name, _ in stream_json(data.label_list)) if data.label_list else ()
        self._order = list(dict.fromkeys(self._map.get(name, name) for name in listed))
        self._known, self._strange = set(self._order), 0
        self._instances: dict[str, str] = {}
        for name, record in (read_map(data.instances) if data.instances else {}).items():
            label = record.get("label") if isinstance(record, Mapping) else record
            if is_there(label, "instances", report):
                self._instances[name] = as_name(label, "instances", report)

    def of(self, name: str, record: Mapping[str, Any]) -> dict[str, str] | None:
        """The labels, or None if there are none."""
        labels: dict[str, str] = {}
        label = record.get("label")
        if is_there(label, "label", self._report):
            labels["coarse"] = as_name(self._map.get(str(label), label), "label", self._report)
            self._spellings.look_at("label coarse", labels["coarse"])
            self._strange += bool(self._order) and labels["coarse"] not in self._known
        if name in self._instances:
            labels["fine"] = self._instances[name]
            self._spellings.look_at("label fine", labels["fine"])
        return labels or None

    def close(self, report: ImportReport) -> None:
        """Write the order of the classes beside the manifest."""
        if not self._order:
            return
        write_classes(report.path.parent, {"coarse": self._order})
        report.notes.append(f"{len(self._order)} classes of the label coarse are numbered as in the list ({CLASSES})")
        if self._strange:
            report.notes.append(
                f"{self._strange} products have a label that is not in the list; train on splits without them"
            )
