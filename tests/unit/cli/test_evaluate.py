"""Sizes of vectors that ``m5kit evaluate`` compares."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

import m5kit
from m5kit.cli import evaluate, main
from m5kit.errors import CheckpointError
from m5kit.interchange.shared_folder import share_run
from m5kit.runs.origin import beginning


def test_a_row_a_size(run_folder, capsys):
    words = ["evaluate", str(run_folder), "--widths", "16,8", "--precisions", "int8,binary", "--metrics", "clustering"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["width", "precision", "bytes"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["whole", "float32"],
        *(["16", "int8"], ["16", "binary"], ["8", "int8"], ["8", "binary"]),
    ]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["bytes"] for each in found[1:]] == [16, 2, 8, 1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--widths", "a,8"], "--widths: expected whole numbers such as 64,128; got a"),
        (["--precisions", "int8"], "widths: give the widths to compare, such as --widths 64,128"),
        (["--widths", "12", "--precisions", "binary"], "expected a multiple of 8, got 12"),
        (["--widths", "8", "--all-subsets"], "--all-subsets: not together with --widths"),
    ],
)
def test_wrong_sizes_are_told_before_the_run_is_opened(words, told, capsys):
    assert main(["evaluate", "no/run", *words]) == 2
    assert told in capsys.readouterr().err


def test_the_values_of_a_run_that_may_not_be_written_are_shown(run_folder, capsys, monkeypatch):
    results = run_folder / "results.json"
    before = results.read_bytes() if results.exists() else None
    monkeypatch.setattr(evaluate.os, "access", lambda path, mode: mode != os.W_OK)
    assert main(["evaluate", str(run_folder)]) == 0
    shown = capsys.readouterr()
    assert "accuracy" in shown.out
    assert "may not be written, so the values are shown and not stored" in shown.err
    assert (results.read_bytes() if results.exists() else None) == before


def _copy(run_folder, tmp_path):
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


def test_items_that_have_moved_are_asked_for(run_folder, tmp_path, capsys):
    run = _copy(run_folder, tmp_path)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["data"]["root"] = str(tmp_path / "moved")
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    for words in ([], ["--widths", "8"]):
        assert main(["evaluate", str(run), *words]) == 2
        assert re.search(r"are no longer in .*moved; name their folder with --data DIR", capsys.readouterr().err)


def test_an_evaluation_without_any_value_fails_and_leaves_the_values_that_are_there(run_folder, tmp_path, capsys):
    run, items = _copy(run_folder, tmp_path), tmp_path / "items"
    items.mkdir()
    (items / "annotations.jsonl").write_text('{"id": "a", "split": "train", "text": "a mug"}\n')
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["data"]["root"] = str(items)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    (run / "results.json").write_text('{"results": {}, "skipped": {}}')
    before = (run / "results.json").read_bytes()
    assert main(["evaluate", str(run)]) == 2
    assert "none of the metrics could be computed" in capsys.readouterr().err
    assert (run / "results.json").read_bytes() == before


def test_values_of_an_earlier_checkpoint_are_stored_with_a_note(run_folder, tmp_path, capsys):
    run = _copy(run_folder, tmp_path)
    newest = max((run / "checkpoints").glob("step_*"))
    later = newest.with_name("step_9999999")
    shutil.copytree(newest, later)
    (later / "model.safetensors").write_bytes(b"")
    assert main(["evaluate", str(run)]) == 0
    assert f"the values are of {newest.name}" in json.loads((run / "results.json").read_text())["note"]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("transforms.json", '{"text": {"x": [1]}}', "transforms.json: the transform of text cannot use its state"),
        ("classes.json", '{"coarse": 3}', "classes.json: coarse is no list of names of classes"),
        ("provenance.json", "{}", "provenance.json was changed since"),
    ],
)
def test_a_file_of_a_run_that_holds_something_else_is_named(run_folder, tmp_path, capsys, file, content, told):
    run = _copy(run_folder, tmp_path)
    (run / file).write_text(content)
    assert main(["evaluate", str(run)]) == 2
    assert told in capsys.readouterr().err


def test_a_config_that_was_cut_inside_of_its_metrics_is_told(run_folder, tmp_path, caplog):
    run = _copy(run_folder, tmp_path)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["evaluation"].popitem()
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["evaluate", str(run)]) == 0
    assert "note: evaluation in config.yaml of the run" in caplog.text


def test_a_damaged_checkpoint_is_told_once_a_command(run_folder, tmp_path, caplog):
    run = _copy(run_folder, tmp_path)
    newest = max((run / "checkpoints").glob("step_*"))
    shutil.copytree(newest, newest.with_name("step_9999999"))
    told = f"{newest.with_name('step_9999999')} is damaged: state.json is of step"
    for command in (["evaluate", str(run)], ["evaluate", str(run), "--metrics", "clustering"]):
        caplog.clear()
        assert main(command) == 0
        assert caplog.text.count(told) == 1


def test_values_of_another_run_are_told_and_replaced(run_folder, tmp_path, caplog):
    run = _copy(run_folder, tmp_path)
    results = run / "results.json"
    results.write_text(json.dumps({"results": {}, "skipped": {}, "of": {"begun": "another", "step": 1}}))
    with pytest.raises(CheckpointError, match=r"results\.json: its values are of another run.*, or remove the file$"):
        share_run(m5kit.load(run), tmp_path / "shared")
    assert not (tmp_path / "shared").exists()
    caplog.clear()
    assert main(["evaluate", str(run)]) == 0
    assert caplog.text.count("results.json: its values are of another run") == 1
    assert json.loads(results.read_text())["of"]["begun"] == beginning(run)
    caplog.clear()
    assert main(["evaluate", str(run)]) == 0
    assert caplog.text == ""


def test_subsets_are_not_stored_beside_those_of_another_run(run_folder, tmp_path, capsys):
    run = _copy(run_folder, tmp_path)
    (run / "views.json").write_text(json.dumps({"text": {"results": {}, "of": {"begun": "another"}}}))
    before = (run / "views.json").read_bytes()
    assert main(["evaluate", str(run), "--modalities", "text"]) == 2
    assert "views.json: its values are of another run" in capsys.readouterr().err
    assert (run / "views.json").read_bytes() == before


def test_all_subsets_leave_the_results_of_the_run_and_the_values_of_other_subsets(run_folder, tmp_path, capsys):
    run = _copy(run_folder, tmp_path)
    assert main(["evaluate", str(run)]) == 0
    before = (run / "results.json").read_bytes()
    kept = {"results": {"mine": {"x": {"value": 1.0}}}, "skipped": {}}  # of an earlier version
    (run / "views.json").write_text(json.dumps({"image": kept, "older": kept}))
    assert main(["evaluate", str(run), "--all-subsets"]) == 0
    assert (run / "results.json").read_bytes() == before
    views = json.loads((run / "views.json").read_text())
    assert views.pop("older") == kept
    assert "image" in views
    assert all(found["of"]["begun"] == beginning(run) for found in views.values())
    # a part of the metrics is printed and not stored
    stored = (run / "views.json").read_bytes()
    assert main(["evaluate", str(run), "--all-subsets", "--metrics", "clustering"]) == 0
    assert (run / "views.json").read_bytes() == stored
    capsys.readouterr()
