"""How messages name the runs of a report."""

import json
from pathlib import Path

import pytest

from m5kit.errors import CheckpointError
from m5kit.report.gallery import to_html_gallery
from m5kit.report.run_place import run_at
from m5kit.runs.study import Study


def test_a_run_beside_the_report_is_named_from_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_at(Path("out/report"), "../../runs/a").path == Path("runs/a")


def test_behind_a_link_the_run_is_the_one_that_the_link_leads_to(tmp_path):
    (tmp_path / "disk" / "report").mkdir(parents=True)
    (tmp_path / "report").symlink_to(tmp_path / "disk" / "report")
    assert run_at(tmp_path / "report", "../runs/a").path == tmp_path / "disk" / "runs" / "a"


def test_a_damaged_file_of_a_run_elsewhere_is_named_without_dots(study, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for row in study["rows"]:
        row["runs"] = [f"../{run}" for run in row["runs"]]
    run = folder / study["rows"][0]["runs"][0].removeprefix("../")
    (run / "gallery.json").write_text(json.dumps({"coarse": 3}))
    with pytest.raises(CheckpointError) as raised:
        to_html_gallery(Study.from_json(study), tmp_path / "report")
    assert str((run / "gallery.json").relative_to(tmp_path)) in str(raised.value)
    assert ".." not in str(raised.value)
