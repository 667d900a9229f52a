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
    assert "2 items, no problems" in capsys.readouterr().out


def test_make_demo_says_where_it_is(tmp_path, capsys):
    arguments = ["--items", "40", "--seed", "3", "--workers", "1", "--wrong-pairs", "0", "--noise-modality", "audio"]
    assert main(["data", "make-demo", str(tmp_path / "shop"), *arguments]) == 0
    assert f"40 items are described in {tmp_path / 'shop' / 'annotations.jsonl'}" in capsys.readouterr().out
    assert "- 0 items have one modality" in (tmp_path / "shop" / "README.md").read_text()
    assert main(["data", "validate", str(tmp_path / "shop")]) == 0
