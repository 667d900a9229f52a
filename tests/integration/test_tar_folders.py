"""A run over plain tar files ends well, and is told when their contents are no longer those that it has learned."""

import io
import json
import shutil
import tarfile

import pytest

pytestmark = pytest.mark.slow
TEXT_AND_TABLE = [f"encoder_{modality}=none" for modality in ("image", "video", "audio")]


def pack(rows, folder):
    """The texts, tables and labels of items, one folder with a tar file for each split."""
    for split in sorted({row["split"] for row in rows}):
        (folder / split).mkdir(parents=True)
        with tarfile.open(folder / split / "0.tar", "w") as tar:
            for row in (row for row in rows if row["split"] == split):
                parts = {name: row[name] for name in ("text", "table", "labels") if row.get(name)}
                content = json.dumps(parts).encode()
                info = tarfile.TarInfo(f"{row['id']}.json")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


@pytest.fixture
def rows(demo):
    lines = (demo / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    return [row | {"id": str(number)} for number, row in enumerate(map(json.loads, lines))]


def test_changed_texts_are_noticed_by_resume_and_evaluate(tool, short, rows, tmp_path):
    pack(rows, tmp_path / "tars")
    words = ("tools/train.py", "configs/demo/scale.yaml", "--data", tmp_path / "tars", "--run-dir", tmp_path / "run")
    tool(*words, *short(*TEXT_AND_TABLE))
    assert "changed" not in tool("tools/evaluate.py", tmp_path / "run").stderr
    shutil.rmtree(sorted((tmp_path / "run" / "checkpoints").glob("step_*"))[-1])

    shutil.rmtree(tmp_path / "tars")
    pack([row | {"text": f"{row.get('text')}, new"} for row in rows], tmp_path / "tars")
    resumed = tool(*words, "--resume", *short(*TEXT_AND_TABLE), check=False)
    assert resumed.returncode == 2
    assert "the items changed since the run in" in resumed.stderr
    assert "content " in resumed.stderr
    told = tool("tools/evaluate.py", tmp_path / "run").stderr
    assert "note: the items changed since the run was trained: content " in told

    shutil.rmtree(tmp_path / "tars")
    pack(rows, tmp_path / "tars")
    tool(*words, "--resume", *short(*TEXT_AND_TABLE))
