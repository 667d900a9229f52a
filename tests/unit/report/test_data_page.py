import base64
import json
import re

import pytest

from m5kit.data.stats import describe
from m5kit.report.data_page import write_page


@pytest.fixture
def page(tmp_path):
    rows = [
        {
            "id": f"<{n}>",
            "split": "test" if n % 3 else "train",
            "text": "same" if n < 4 else f"t{n}",
            "labels": {"<b>": str(n % 4)},
        }
        for n in range(12)
    ]
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_page(describe(tmp_path, contents=True), tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def test_nothing_comes_from_outside_the_file(page):
    icon, *sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert icon == "data:,"
    assert len(sources) == 3
    for source in sources:
        kind, _, data = source.partition(";base64,")
        assert kind == "data:image/svg+xml"
        assert b"<svg" in base64.b64decode(data)


def test_numbers_are_there_and_names_are_escaped(page):
    assert "<h1>annotations.jsonl: 12 items</h1>" in page
    assert '<td class="words">test</td><td>8</td>' in page
    assert "Label &lt;b&gt;" in page
    assert "4 classes; the largest has 3 items" in page
    shared = '<td class="words">text: test, train</td><td class="words">&lt;1&gt; = &lt;0&gt;</td><td>1</td>'
    assert shared in page
