import json

import pytest

from m5kit.cli import main


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"id": "a", "split": "train", "text": "t", "table": {"k": 1}},
        {"id": "b", "split": "train", "text": "u", "image": "gone.jpg"},
    ]
    (tmp_path / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_validate_prints_problems_and_counts_and_exits_1(folder, capsys):
    assert main(["data", "validate", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "line 2: image: gone.jpg is missing"
    assert "train  2      0      1      1      2     0" in lines
    assert "table+text           1" in lines
    assert lines[-1] == f"{folder / 'annotations.jsonl'}: 2 items, 1 problem"


def test_validate_writes_json(folder, capsys):
    (folder / "gone.jpg").write_bytes(b"x")
    assert main(["data", "validate", str(folder / "annotations.jsonl"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert found["patterns"] == {"table+text": 1, "image+text": 1}
    assert found["presence"]["train"]["text"] == 2


def test_validate_takes_other_modalities(folder, capsys):
    assert main(["data", "validate", str(folder), "--modalities", "text"]) == 0
    said = capsys.readouterr().out
    assert "2 items, no problems\nnext: m5kit train products/pretrained --data " in said


def test_make_demo_says_where_it_is(tmp_path, capsys):
    arguments = ["--items", "40", "--seed", "3", "--workers", "1", "--wrong-pairs", "0", "--noise-modality", "audio"]
    assert main(["data", "make-demo", str(tmp_path / "shop"), *arguments]) == 0
    assert f"40 items are described in {tmp_path / 'shop' / 'annotations.jsonl'}" in capsys.readouterr().out
    assert "- 0 items have one modality" in (tmp_path / "shop" / "README.md").read_text()
    assert main(["data", "validate", str(tmp_path / "shop")]) == 0


def test_import_maps_columns_and_says_what_is_missing(tmp_path, capsys):
    source = tmp_path / "items.csv"
    source.write_text("sku,title,photo,colour\n1,Cup,gone.jpg,red\n2,Bowl,,\n")
    out = tmp_path / "out"
    mapping = ["--id", "sku", "--map", "text=title", "--map", "image=photo", "--table", "colour"]
    shares = ["--split-by", "train=0.5,test=0.5", "--seed", "4"]
    assert main(["data", "import", "csv", str(source), str(out), *mapping, *shares]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert f"not found, image: 1 (listed in {out / 'missing.tsv'})" in printed
    assert f"2 items are described in {out / 'annotations.jsonl'}" in printed
    assert main(["data", "validate", str(out)]) == 0


def test_import_explains_its_options(tmp_path, capsys):
    source = tmp_path / "items.csv"
    source.write_text("id\n1\n")
    start = ["data", "import", "csv", str(source), str(tmp_path / "out")]
    assert main([*start, "--map", "text"]) == 2
    assert "--map 'text': expected NAME=VALUE" in capsys.readouterr().err
    assert main([*start, "--map", "text=id", "--split-by", "train=most"]) == 2
    assert "--split-by 'train=most': expected shares such as train=0.8,test=0.2" in capsys.readouterr().err


def test_stats_prints_tables_json_and_a_page(folder, tmp_path, capsys):
    assert main(["data", "stats", str(folder), "--hash", "--html", str(tmp_path / "page.html")]) == 0
    printed = capsys.readouterr().out
    assert "table+text           1" in printed
    assert "text characters    2      1      1       1     1    1" in printed
    assert printed.endswith(f"the page is {tmp_path / 'page.html'}\n")
    assert main(["data", "stats", str(folder), "--media", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unreadable"] == {"image": 1}
    assert found["spreads"]["table properties"]["median"] == 1
    assert found["shared"] is None


def test_stats_says_so_when_splits_share_nothing(folder, capsys):
    assert main(["data", "stats", str(folder), "--hash"]) == 0
    assert "no two splits share a content" in capsys.readouterr().out


def test_prepare_writes_shards_and_says_what_was_left_out(folder, tmp_path, capsys):
    out = tmp_path / "shop.shards"
    assert main(["data", "prepare", str(folder), "--out", str(out), "--jobs", "1", "--items", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("shard 1 of 2: ")
    assert lines[0].endswith(" s left")
    assert lines[1].endswith(", 1 failures")
    assert lines[2] == "b: image: cannot read 'gone.jpg': there is no such file"
    assert lines[3] == f"1 could not be taken in and are left out; all are listed in {out / 'failures.jsonl'}"
    assert lines[4] == f"2 items, 2 shards, 0.0 MB in {out}"
    assert lines[5] == f"next: m5kit train products/pretrained --data {out}"
    assert main(["data", "validate", str(out)]) == 0


def test_prepare_makes_what_a_config_reads_and_says_what(folder, tmp_path, capsys):
    out = tmp_path / "shop.shards"
    given = ["--for", "demo/contrast", "--set", "input_image.transform.size=24", "--prepare", "audio=flac,rate=8000"]
    assert main(["data", "prepare", str(folder), "--out", str(out), "--jobs", "1", *given]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "image becomes pixels: size 24, fit crop" in lines
    assert "audio becomes flac: rate 8000" in lines
    prepared = json.loads((out / "shards.json").read_text())["plan"]["prepared"]
    assert {name: settings["type"] for name, settings in prepared.items()} == {
        "image": "pixels", "video": "pixels", "audio": "flac",
    }  # fmt: skip


def test_every_mistake_in_the_options_of_prepare_is_told(folder, tmp_path, capsys):
    wrong = [
        "--jobs",
        "0",
        "--items",
        "0",
        "--set",
        "seed=1",
        "--prepare",
        "image=gif",
        "--prepare",
        "audio=flac,rate=fast",
    ]
    assert main(["data", "prepare", str(folder), "--out", str(tmp_path / "out"), *wrong]) == 2
    said = capsys.readouterr().err
    for mistake in (
        "--jobs: expected",
        "--items: expected",
        "name one with --for",
        "'gif' is no kind of file",
        "flac.rate: expected",
    ):
        assert mistake in said
    assert not (tmp_path / "out").exists()


def test_verify_exits_1_if_something_is_damaged(folder, tmp_path, capsys):
    out = tmp_path / "shop.shards"
    main(["data", "prepare", str(folder), "--out", str(out), "--jobs", "1"])
    assert main(["data", "verify", str(out)]) == 0
    (out / "000000.tar").write_bytes(b"")
    capsys.readouterr()
    assert main(["data", "verify", str(out)]) == 1
    assert "cut short" in capsys.readouterr().out
    assert main(["data", "verify", str(out), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["items"], found["shards"], len(found["problems"])) == (2, 1, 2)


def test_a_manifest_without_splits_says_how_to_get_them(tmp_path, capsys):
    (tmp_path / "annotations.jsonl").write_text('{"id": "a", "text": "cup"}\n')
    assert main(["data", "validate", str(tmp_path)]) == 0
    assert "no item has a split" in capsys.readouterr().out


def test_import_adds_up_options_that_are_given_twice(tmp_path):
    source = tmp_path / "items.csv"
    source.write_text('id,name,price,height\n1,Cup,"1,5","2,0"\n')
    out = tmp_path / "out"
    start = ["data", "import", "csv", str(source), str(out), "--map", "text=name", "--decimal-comma"]
    assert main([*start, "--table", "price", "--table", "height", "--number", "price", "--number", "height"]) == 0
    assert json.loads((out / "annotations.jsonl").read_text())["table"] == {"price": 1.5, "height": 2}


def test_a_csv_in_place_of_a_manifest_is_told_to_be_imported(tmp_path, capsys):
    (tmp_path / "items.csv").write_text("id\n1\n")
    assert main(["data", "validate", str(tmp_path / "items.csv")]) == 2
    assert "is a table, no manifest; m5kit data import csv" in capsys.readouterr().err
