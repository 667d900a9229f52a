"""The page about Python, read as one session."""

import re
from pathlib import Path

import pytest
from PIL import Image

PAGE = Path(__file__).parents[3] / "docs/howto/python.md"


@pytest.mark.slow
def test_the_code_of_the_page_runs(run_folder, classifier_folder, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "shop").symlink_to(run_folder)
    (tmp_path / "runs" / "finetuned").symlink_to(classifier_folder)
    (tmp_path / "demo").symlink_to(demo)
    Image.linear_gradient("L").save("a.jpg")
    blocks = re.findall(r"<!-- skip -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    session: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), session)
    assert (tmp_path / "runs" / "gated" / "results.json").exists()
