"""The threat model names a test for each of its lines; these tests must be there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_threat_model_names_exists():
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/security.md").read_text(encoding="utf-8"))
    tests = [(path, name) for path, name in named if "/test_" in path]
    assert len(tests) > 20
    for path, name in tests:
        text = (ROOT / ("" if path.startswith("tests/") else "tests/unit") / path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, f"{path} has no {name}"
