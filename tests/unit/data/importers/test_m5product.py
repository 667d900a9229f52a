import base64
import json

import numpy as np
import pytest

from m5kit.cli import main
from m5kit.data.classes import class_order
from m5kit.data.decode.features import FeaturesDecoder
from m5kit.data.importers.ids import read_ids, read_map, stream_json
from m5kit.data.importers.m5product import M5Product, import_m5product, parse_properties
from m5kit.data.importers.regions import pack_regions
from m5kit.data.importers.report import ImportReport, MissingList
from m5kit.data.manifest import label_classes, read_manifest
from m5kit.errors import DataError

RECORDS = {
    "101": {"title": "杯子", "label": "cup", "pv": "brand#:#Nord#;#size#:#3", "url": "//x/1.jpg", "video": "u.mp4"},
    "102": {"title": " ", "label": "cup", "pv": "0", "url": "x", "video": ""},
    "103": {"title": "Bowl", "label": "Nord", "pv": "", "url": "x", "video": ""},
    "104": {"title": "", "label": "", "pv": "0", "url": "", "video": ""},
    "105": {"title": "Spare", "label": "bowl", "pv": "k#:#v", "url": "", "video": ""},
}


def region_row(name, width=4, count=2, size=(100, 50), features=None):
    boxes = np.array([[0, 0, 50, 50], [50, 25, 100, 50]], "<f4")[:count]
    values = np.arange(count * width, dtype="<f4").reshape(count, width) if features is None else features
    codes = [base64.b64encode(array.tobytes()).decode() for array in (boxes, values)]
    return "\t".join([name, str(size[0]), str(size[1]), str(count), *codes, 'a "title"'])


@pytest.fixture
def data(tmp_path):
    files = {
        "meta.json": json.dumps(RECORDS, ensure_ascii=False),
        "train.txt": "101\n102 extra\n\n999\n",
        "query.json": json.dumps(["103", "101"]),
        "gallery.json": json.dumps({"103": {"label": "i7"}}),
        "map.json": json.dumps({"Nord": "bowl"}),
        "regions.tsv": "\n".join([region_row("101"), region_row("102"), "103\t1\tbroken", region_row("105", 3)]),
        "images/101.jpg": "j",
        "sound/101.npy": "n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_products_become_items_of_every_list_they_are_in(data):
    splits = {"train": data / "train.txt", "query_fine": data / "query.json"}
    parts = M5Product(
        data / "meta.json",
        media={"image": data / "images"},
        features={"audio": data / "sound"},
        splits=splits,
        instances=data / "gallery.json",
        label_map=data / "map.json",
    )
    report = import_m5product(parts, data / "out")
    items = {item.id: item for item in read_manifest(data / "out")}
    assert list(items) == ["101", "101@query_fine", "103"]
    assert items["101"].split == "train"
    assert items["101@query_fine"].split == "query_fine"
    assert dict(items["101"].sources) == {
        "image": "images/101.jpg",
        "audio": "audio_features/101.npy",
        "text": "杯子",
        "table": {"brand": "Nord", "size": "3"},
    }
    assert items["103"].labels == {"coarse": "bowl", "fine": "i7"}
    assert (data / "out" / "images" / "101.jpg").read_text() == "j"
    assert report.presence == {"image": 2, "audio": 2, "text": 3, "table": 2}
    assert report.passed_over == {"record without a modality": 2, "in no list": 1}
    assert report.missing == {"image": 2, "record of train": 2}
    assert (data / "out" / "missing.tsv").read_text().splitlines() == [
        "image\t102\tx",
        "image\t103\tx",
        "record of train\t102\ttrain.txt",
        "record of train\t999\ttrain.txt",
    ]
    assert report.notes == ["1 products are in several lists; the ids of their further items are ID@SPLIT"]


def test_regions_are_packed_and_read_back_as_fractions(data):
    report = import_m5product(M5Product(data / "meta.json", regions=[data / "regions.tsv"], rest="train"), data / "out")
    items = {item.id: item for item in read_manifest(data / "out")}
    assert items["102"].sources == {"image": "regions/00000#102"}
    read = FeaturesDecoder()(items["101"].sources["image"], data / "out")
    np.testing.assert_array_equal(read.values, [[0, 1, 2, 3], [4, 5, 6, 7]])
    np.testing.assert_allclose(read.boxes, [[0, 0, 0.5, 1, 0.5], [0.5, 0.5, 1, 1, 0.25]])
    assert report.missing == {"regions": 2, "image": 1}
    listed = (data / "out" / "missing.tsv").read_text()
    assert "regions\t103\tregions.tsv line 3: 3 columns instead of 7" in listed
    assert "regions\t105\twidth 3, not 4" in listed


def test_packs_hold_a_few_items_each_and_the_first_of_an_id_counts(tmp_path):
    rows = [region_row(str(n % 5), features=np.full((2, 4), n, "<f4")) for n in range(7)]
    (tmp_path / "r.tsv").write_text("\n".join(rows))
    regions = pack_regions([tmp_path / "r.tsv"], tmp_path, MissingList(ImportReport(tmp_path / "a")), per_pack=2)
    assert [regions.place(str(n)) for n in (0, 2, 4, 9)] == [
        "regions/00000#0",
        "regions/00001#2",
        "regions/00002#4",
        None,
    ]
    assert FeaturesDecoder()("regions/00000#0", tmp_path).values[0, 0] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a#:#b", {"a": "b"}),
        ("a#:#b#:#c#;#", {"a": "b#:#c"}),
        ("a#:#1#;#a#:#2#;#a#:#1", {"a": ["1", "2"]}),
        ("a#;##:#b#;#c#:#", None),
        ("0", None),
        ("", None),
        (None, None),
    ],
)
def test_property_texts_are_guarded(text, expected):
    assert parse_properties(text) == expected


def test_ids_are_read_from_lines_lists_and_keys(data):
    assert list(read_ids(data / "train.txt")) == ["101", "102", "999"]
    assert list(read_ids(data / "query.json")) == ["103", "101"]
    assert list(read_ids(data / "gallery.json")) == ["103"]


def test_what_cannot_be_used_is_said_at_once(data):
    with pytest.raises(DataError, match="image comes from media and from features; choose one"):
        M5Product(data / "meta.json", media={"image": data}, regions=[data / "regions.tsv"])
    with pytest.raises(DataError, match=r"there is no folder .*gone"):
        M5Product(data / "meta.json", media={"image": data / "gone"})
    (data / "cut.json").write_text('{"1": {"title": "a"}, "2": {"ti')
    with pytest.raises(DataError, match=r"cannot read .*cut\.json as JSON after 1 entries"):
        import_m5product(M5Product(data / "cut.json"), data / "cut")
    assert not (data / "cut").exists()
    (data / "none.txt").write_text("7\n")
    with pytest.raises(DataError, match=r"no product of .* is in a list; are the lists of the same release"):
        import_m5product(M5Product(data / "meta.json", splits={"train": data / "none.txt"}), data / "none")
    (data / "none.tsv").write_text("a,b\n")
    with pytest.raises(DataError, match="holds regions; expected 7 columns"):
        import_m5product(M5Product(data / "meta.json", regions=[data / "none.tsv"]), data / "tsv")


def test_the_command_line_names_every_part(data, capsys):
    arguments = ["--metadata", str(data / "meta.json"), "--images", str(data / "images"), "--format", "jsonl"]
    lists = ["--split", f"train={data / 'train.txt'}", "--rest", "rest"]
    assert main(["data", "import", "m5product", str(data / "out"), *arguments, *lists]) == 0
    printed = capsys.readouterr().out
    assert "not found, record of train: 2" in printed
    assert "3 items are described in" in printed


def test_classes_are_numbered_as_in_the_label_list(data):
    (data / "list.json").write_text(json.dumps(["vase", "cup", "bowl"]), encoding="utf-8")
    report = import_m5product(
        M5Product(data / "meta.json", label_map=data / "map.json", label_list=data / "list.json"), data / "out"
    )
    manifest = read_manifest(data / "out")
    order = class_order(manifest.root, "coarse")
    assert label_classes(manifest, "coarse", order) == {"vase": 0, "cup": 1, "bowl": 2}
    assert "3 classes of the label coarse are numbered as in the list (classes.json)" in report.notes


def test_labels_outside_the_list_are_counted_and_no_class(data):
    (data / "list.json").write_text(json.dumps(["cup", "bowl"]), encoding="utf-8")
    report = import_m5product(M5Product(data / "meta.json", label_list=data / "list.json"), data / "out")
    assert "1 products have a label that is not in the list; train on splits without them" in report.notes
    manifest = read_manifest(data / "out")
    with pytest.raises(DataError, match=r"1 values of the label 'coarse' are not in classes\.json, such as 'Nord'"):
        label_classes(manifest, "coarse", class_order(manifest.root, "coarse"))


def test_json_that_is_nested_too_deeply_is_refused_at_once(tmp_path):
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(DataError, match="after 0 entries: it is nested too deeply"):
        list(stream_json(tmp_path / "a.json"))


def test_records_that_come_twice_and_parts_that_cannot_be_used_are_told(tmp_path):
    records = (
        '{"1": {"title": "Cup", "pv": "a#:#b#;#broken#;#"}, "2": {"title": 7, "pv": "a#:#b"}, "1": {"title": "Mug"}}'
    )
    (tmp_path / "meta.json").write_text(records)
    report = import_m5product(M5Product(tmp_path / "meta.json"), tmp_path / "out", format="jsonl")
    assert [sample.id for sample in read_manifest(tmp_path / "out")] == ["1", "2"]
    assert (report.rows, report.passed_over) == (3, {"came before": 1})
    assert report.left_out == {"pairs of pv without their sign, key or value": 1, "titles that are no texts": 1}


def test_titles_and_labels_that_say_nothing_are_told(tmp_path):
    metadata, instances = tmp_path / "a.json", tmp_path / "fine.json"
    records = {
        "1": {"title": "NULL", "pv": "a#:#b", "label": "cup"},
        "2": {"title": "\u200b", "pv": "a#:#b", "label": " "},
    }
    metadata.write_text(json.dumps(records))
    instances.write_text(json.dumps({"1": " x ", "2": "\u200b"}))
    report = import_m5product(M5Product(metadata, instances=instances, rest="train"), tmp_path / "out", format="jsonl")
    items = [json.loads(line) for line in (tmp_path / "out" / "annotations.jsonl").read_text().splitlines()]
    assert [(item["text"], item["labels"]) for item in items] == [
        ("NULL", {"coarse": "cup", "fine": "x"}),
        (None, None),
    ]
    assert report.noticed == {"title: texts that usually say that there is none": 1}
    nothing = "texts in which there is nothing to read"
    assert report.left_out == {f"title: {nothing}": 1, f"label: {nothing}": 1, f"instances: {nothing}": 1}


def test_marks_and_keys_that_come_twice_in_lists_and_maps_are_seen(tmp_path):
    (tmp_path / "ids.txt").write_text("\ufeff101\n102\n", encoding="utf-8")
    (tmp_path / "ids.json").write_text('\ufeff["101"]', encoding="utf-8")
    (tmp_path / "map.json").write_text('{"cup": "mug", "bowl": "dish", "cup": "tea cup"}')
    assert list(read_ids(tmp_path / "ids.txt")) == ["101", "102"]
    assert list(read_ids(tmp_path / "ids.json")) == ["101"]
    with pytest.raises(DataError, match="the key 'cup' is given twice, with 'mug' and 'tea cup'"):
        read_map(tmp_path / "map.json")
