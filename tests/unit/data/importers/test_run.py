import gzip
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.run import import_source
from m5kit.data.importers.writer import ManifestWriter
from m5kit.data.manifest import read_manifest
from m5kit.data.validate import validate
from m5kit.errors import DataError

JPEG = b"\xff\xd8\xff rest"
CSV = """id,photo,title,size,brand,kind,part
a,p/1.jpg,"Cup, red",3,Nord,cup,train
b,p/2.jpg,  ,04,,cup,train
c,,Bowl,,,bowl,test
d,,,,,bowl,test
"""
COLUMNS = ColumnMapping(
    modalities={"image": ("photo",), "text": ("title",)},
    table=("size", "brand"),
    numbers=("size",),
    labels={"coarse": "kind"},
    split="part",
)


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop" / "p").mkdir(parents=True)
    (tmp_path / "shop" / "p" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "shop" / "items.csv").write_text(CSV, encoding="utf-8-sig")
    return tmp_path / "shop"


def lines(folder):
    return [json.loads(line) for line in (folder / "annotations.jsonl").read_text().splitlines()]


def test_columns_become_modalities_tables_labels_and_splits(shop, tmp_path):
    out = tmp_path / "out"
    report = import_source("csv", shop / "items.csv", out, COLUMNS)
    first, second, third = lines(out)
    assert first["image"] == "media/p/1.jpg"
    assert first["text"] == "Cup, red"
    assert first["table"] == {"size": 3, "brand": "Nord"}
    assert first["labels"] == {"coarse": "cup"}
    assert (second["image"], second["text"], second["table"]) == (None, None, {"size": 4})
    assert (third["split"], third["text"], third["table"]) == ("test", "Bowl", None)
    assert (out / "media").resolve() == shop
    assert report.items == 3
    assert report.splits == {"train": 2, "test": 1}
    assert report.presence == {"image": 1, "text": 2, "table": 2}
    assert report.missing == {"image": 1}
    assert report.passed_over == {"no modality": 1}
    assert (out / "missing.tsv").read_text() == "image\tb\tp/2.jpg\n"
    assert validate(out).problems == ()


def test_media_are_copied_or_stay_where_they_are(shop, tmp_path):
    import_source("csv", shop / "items.csv", tmp_path / "out", COLUMNS, copy=True)
    assert not (tmp_path / "out" / "media").is_symlink()
    assert (tmp_path / "out" / "media" / "p" / "1.jpg").read_bytes() == JPEG
    import_source("csv", shop / "items.csv", shop, COLUMNS)
    assert lines(shop)[0]["image"] == "p/1.jpg"


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_other_formats_hold_the_same_items(shop, tmp_path, kind):
    from m5kit.data.manifest import read_manifest

    import_source("csv", shop / "items.csv", tmp_path / "a", COLUMNS)
    import_source("csv", shop / "items.csv", tmp_path / "b", COLUMNS, format=kind)
    assert (tmp_path / "b" / f"annotations.{kind}").exists()
    assert list(read_manifest(tmp_path / "b")) == list(read_manifest(tmp_path / "a"))


def test_splits_are_drawn_by_id_and_seed(tmp_path):
    source = tmp_path / "a.csv.gz"
    with gzip.open(source, "wt") as file:
        file.write("id,title\n" + "".join(f"{n},t\n" for n in range(400)))
    columns = ColumnMapping({"text": ("title",)}, shares={"train": 0.75, "test": 0.25}, seed=1)
    report = import_source("csv", source, tmp_path / "out", columns)
    assert 270 < report.splits["train"] < 330
    assert report.splits.total() == 400
    again = import_source("csv", source, tmp_path / "again", columns)
    assert (tmp_path / "again/annotations.jsonl").read_text() == (tmp_path / "out/annotations.jsonl").read_text()
    assert again.splits == report.splits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,title\na,t\n", r"has no column brand, kind, part, photo, size; it has id, title"),
        (CSV.replace("p/1.jpg", "../1.jpg"), r"item a: image: \.\./1.jpg is not below .*name its folder with --media"),
        (CSV.replace("p/1.jpg", "https://x/1.jpg"), r"item a: image: https://x/1.jpg is an address; fetch the files"),
        (CSV.replace("04", "four"), r"item b: size must be a number, got 'four'; leave it out of --number"),
        (CSV.replace("04", '"0,4"'), r"item b: size must be a number, got '0,4'; say --decimal-comma"),
        (CSV.replace("b,p", "b" * 1001 + ",p"), r"row 2: the id 'b{40}'\.\.\. has 1,001 characters, more than 1,000"),
        (CSV.replace("b,p", "a,p"), r"row 2: the id 'a' came before; name a column of unique ids with --id"),
        (CSV + "e,1,2,3,4,5,6,7,8\n", r"line 6 has more cells than there are columns"),
    ],
)
def test_mistakes_leave_no_manifest(tmp_path, text, message):
    (tmp_path / "items.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        import_source("csv", tmp_path / "items.csv", tmp_path / "out", COLUMNS)
    assert not list((tmp_path / "out").glob("*annotations*"))


def test_a_folder_with_a_manifest_is_left_alone(shop):
    (shop / "annotations.jsonl").write_text("mine")
    with pytest.raises(DataError, match=r"already holds annotations\.jsonl; name another folder"):
        import_source("csv", shop / "items.csv", shop, COLUMNS, format="arrow")
    with pytest.raises(DataError, match=r"there is no .*gone\.csv"):
        import_source("csv", shop / "gone.csv", shop, COLUMNS)


def test_two_imports_do_not_write_into_one_folder(shop, tmp_path):
    with ManifestWriter(tmp_path / "out") as first:
        first.add({"id": "a"})
        with pytest.raises(DataError, match="another import writes into"):
            import_source("csv", shop / "items.csv", tmp_path / "out", COLUMNS)
    assert [item["id"] for item in lines(tmp_path / "out")] == ["a"]


def test_what_a_killed_import_left_is_told_and_removed(shop, tmp_path, caplog):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".import.lock").touch()
    for name in (".annotations.jsonl.part", ".annotations.parquet.part"):
        (out / name).write_text("half a ro")
    import_source("csv", shop / "items.csv", out, COLUMNS)
    assert "was stopped before its end: this one begins anew" in caplog.text
    assert not list(out.glob(".*"))


def test_a_full_disk_at_the_last_row_leaves_nothing(tmp_path, monkeypatch):
    def full(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ManifestWriter, "_flush", full)
    with pytest.raises(OSError, match="No space"), ManifestWriter(tmp_path / "out") as writer:
        writer.add({"id": "a"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no column is mapped"),
        ({"table": ("a",), "split": "s", "shares": {"x": 1.0}}, "give --split or --split-by, not both"),
        ({"table": ("a",), "shares": {"x": 0.5}}, "the shares of --split-by add up to 0.5; they must add up to 1"),
        ({"table": ("a",), "shares": {"x": float("nan")}}, "expected a share over 0"),
        ({"table": ("a",), "numbers": ("b",)}, "'b' must be a number, but is no column of --table"),
    ],
)
def test_columns_that_contradict_each_other(arguments, message):
    with pytest.raises(DataError, match=message):
        ColumnMapping(**arguments)


def test_parquet_holds_media_maps_and_several_files(tmp_path):
    (tmp_path / "in").mkdir()
    table = pa.array([[("colour", "red")], None], type=pa.map_(pa.string(), pa.string()))
    first = {"photo": [{"bytes": JPEG, "path": None}, None], "props": table, "title": ["x", "y"], "n": [1.5, None]}
    pq.write_table(pa.table(first), tmp_path / "in" / "0.parquet")
    columns = ColumnMapping({"image": ("photo",), "table": ("props",), "text": ("title",)}, labels={"fine": "n"})
    import_source("parquet", tmp_path / "in", tmp_path / "out", columns)
    first_item, second = lines(tmp_path / "out")
    assert (tmp_path / "out" / first_item["image"]).read_bytes() == JPEG
    assert first_item["image"].endswith("/000000001.jpg")
    assert (first_item["table"], first_item["labels"]) == ({"colour": "red"}, {"fine": "1.5"})
    assert (second["image"], second["table"], second["labels"]) == (None, None, None)


def test_webdataset_members_are_joined_by_key(tmp_path):
    members = {
        "x/1.jpg": JPEG,
        "x/1.json": b'{"caption": "cup", "brand": "Nord"}',
        "x/2.PNG": b"png",
        "x/2.txt": "杯".encode(),
    }
    with tarfile.open(tmp_path / "0.tar.gz", "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    columns = ColumnMapping({"image": ("jpg", "png"), "text": ("txt", "caption")}, table=("brand",))
    import_source("webdataset", tmp_path / "0.tar.gz", tmp_path / "out", columns)
    first, second = lines(tmp_path / "out")
    assert (first["id"], first["text"], first["table"]) == ("x/1", "cup", {"brand": "Nord"})
    assert (second["id"], second["text"], second["table"]) == ("x/2", "杯", None)
    assert (tmp_path / "out" / second["image"]).read_bytes() == b"png"
    (tmp_path / "bad.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(DataError, match=r"cannot read .*bad\.tar as a tar file"):
        import_source("webdataset", tmp_path / "bad.tar", tmp_path / "bad", columns)


def test_folders_are_classes_and_equal_stems_are_one_item(tmp_path):
    for name, text in {"train/cup/1.jpg": "j", "train/cup/1.txt": "A cup", "test/bowl/2.json": '{"k": 1}'}.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    columns = ColumnMapping({m: (m,) for m in ("image", "text", "table")}, labels={"coarse": "class"})
    import_source("folder", tmp_path / "in", tmp_path / "out", columns)
    second, first = lines(tmp_path / "out")
    assert (first["id"], first["split"], first["text"]) == ("train/cup/1", "train", "A cup")
    assert first["image"] == "media/train/cup/1.jpg"
    assert (second["table"], second["labels"]) == ({"k": 1}, {"coarse": "bowl"})
    (tmp_path / "in" / "x.jpg").write_text("j")
    with pytest.raises(DataError, match=r"x\.jpg is not in CLASS/ or SPLIT/CLASS/"):
        import_source("folder", tmp_path / "in", tmp_path / "more", columns)


def test_a_saved_dataset_keeps_its_media_and_class_names(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "photo": datasets.Image(),
            "kind": datasets.ClassLabel(names=["cup", "bowl"]),
            "title": datasets.Value("string"),
            "tags": datasets.Sequence(datasets.ClassLabel(names=["red", "blue"])),
        }
    )
    rows = {
        "photo": [{"bytes": JPEG, "path": "1.jpg"}, None],
        "kind": [1, 0],
        "title": ["x", "y"],
        "tags": [[1, 0], None],
    }
    both = datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows, features=features)})
    both.save_to_disk(tmp_path / "in")
    columns = ColumnMapping({"image": ("photo",), "text": ("title",)}, labels={"coarse": "kind"}, table=("tags",))
    report = import_source("huggingface", tmp_path / "in", tmp_path / "out", columns)
    first, second = lines(tmp_path / "out")
    assert (first["split"], first["labels"]) == ("train", {"coarse": "bowl"})
    assert (tmp_path / "out" / first["image"]).read_bytes() == JPEG
    assert second["image"] is None
    assert [first["table"], second["table"]] == [{"tags": ["blue", "red"]}, None]
    assert report.presence == {"image": 1, "text": 2, "table": 1}


def test_several_columns_lists_and_separated_cells_become_several_files(imported, tmp_path):
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "rows.csv").write_text(
        "id,front,more,title,short\na,1.jpg,2.jpg | gone.jpg,red mug,mug\nb,3.jpg,,bowl,\n"
    )
    columns = ColumnMapping(
        {"image": ("front", "more"), "text": ("title", "short")}, several=("image", "text"), separator="|"
    )
    report, items = imported("csv", tmp_path / "rows.csv", columns=columns)
    assert [(item["image"], item["text"]) for item in items] == [
        (["media/1.jpg", "media/2.jpg"], ["red mug", "mug"]),
        ("media/3.jpg", "bowl"),
    ]
    assert report.missing == {"image": 1}
    import_source("csv", tmp_path / "rows.csv", tmp_path / "p", columns, format="parquet")
    assert [item.sources["image"] for item in read_manifest(tmp_path / "p")] == [item["image"] for item in items]


def test_several_values_need_a_modality_of_files_or_texts():
    with pytest.raises(DataError, match="--several image: no columns of files or texts"):
        ColumnMapping({"text": ("title",)}, several=("image",))
    with pytest.raises(DataError, match="name the modality with --several"):
        ColumnMapping({"image": ("a",)}, separator="|")


def test_columns_without_a_value_and_ids_that_were_not_taken_are_shouted(imported, tmp_path):
    (tmp_path / "a.csv").write_text("ID,title,size,kind,split\n1,cup,,,train\n2,bowl,,,test\n")
    columns = ColumnMapping(
        {"text": ("title",)}, table=("size",), labels={"c": "kind"}, shares={"train": 0.5, "test": 0.5}
    )
    report, _ = imported("csv", tmp_path / "a.csv", columns=columns)
    assert set(report.warnings) >= {
        "no row has a value in the column size",
        "no row has a value in the column kind",
        "items are named by their rows; --id 'ID' takes that column",
        "the column split was not used: --split-by draws splits",
    }


def test_a_modality_that_no_shipped_config_reads_is_told(imported, tmp_path):
    (tmp_path / "a.csv").write_text("id,title,sound\n1,cup,a.wav\n")
    (tmp_path / "a.wav").write_bytes(b"x")
    report, items = imported(
        "csv", tmp_path / "a.csv", columns=ColumnMapping({"text": ("title",), "sound": ("sound",)})
    )
    assert items[0]["sound"]
    (note,) = report.notes
    assert note.startswith(
        "sound is none of audio, image, table, text, video; a config that reads it has an input_sound"
    )


def test_ids_that_look_alike_are_told(imported, tmp_path):
    (tmp_path / "a.csv").write_text("id,title\nCaf\u00e9,a\ncafe\u0301,b\nmug,c\nMUG,d\n7,e\n7.0,f\n", encoding="utf-8")
    report, items = imported("csv", tmp_path / "a.csv")
    assert len(items) == 6
    assert report.noticed == {"ids that differ in case, spaces, .0 or accents only": 3}
    assert list(report.examples.values()) == ["'cafe\u0301'"]


def test_a_media_folder_must_be_there_before_anything_is_read(shop, tmp_path):
    with pytest.raises(DataError, match=r"there is no folder .*gone; --media names the folder"):
        import_source("csv", shop / "items.csv", tmp_path / "out", COLUMNS, media=tmp_path / "gone")


@pytest.mark.parametrize("there", [False, True])
def test_a_refused_import_leaves_nothing_behind(shop, tmp_path, there):
    out = tmp_path / "new" / "out"
    if there:
        out.mkdir(parents=True)
    (shop / "items.csv").write_text(CSV + "e,,x,many,,,train\n")
    with pytest.raises(DataError, match="size must be a number"):
        import_source("csv", shop / "items.csv", out, COLUMNS)
    assert list((tmp_path / "new").rglob("*")) == [out] * there
    assert (tmp_path / "new").exists() == there
    assert (shop / "p" / "1.jpg").read_bytes() == JPEG


def test_a_refused_import_leaves_what_was_there(shop):
    with pytest.raises(DataError, match="has no column"):
        import_source("csv", shop / "items.csv", shop, ColumnMapping({"text": ("gone",)}))
    assert sorted(path.name for path in shop.iterdir()) == ["items.csv", "p"]


def test_where_no_item_came_of_a_source_it_is_said_why(shop, tmp_path):
    columns = ColumnMapping({"image": ("photo",)})
    (shop / "p" / "1.jpg").unlink()
    with pytest.raises(
        DataError, match=r"became an item; .*; left out were no modality: 4 .*image: not found: 2 \(such as p"
    ):
        import_source("csv", shop / "items.csv", tmp_path / "out", columns)
