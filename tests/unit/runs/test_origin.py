import pytest

from m5kit.runs.folder import RunFolder
from m5kit.runs.origin import origin

CONFIG = "seed: 0\nfusion: {type: scale}\ndata: {root: demo}\nschedule: {max_steps: 3}\n"


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.config.write_text(CONFIG)
    folder.transforms.write_text('{"text": ["cup"]}')
    return folder


def test_a_run_that_moves_or_goes_on_for_longer_stays_the_same(folder):
    before = origin(folder.path)
    folder.config.write_text(CONFIG.replace("demo", "elsewhere").replace("3", "30"))
    assert origin(folder.path) == before is not None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", CONFIG.replace("0", "1")),
        ("config.yaml", CONFIG.replace("scale", "mean")),
        ("transforms.json", '{"text": ["mug"]}'),
        ("classes.json", '{"kind": ["a"]}'),
    ],
)
def test_another_seed_another_part_and_other_words_make_another_run(folder, file, content):
    before = origin(folder.path)
    (folder.path / file).write_text(content)
    assert origin(folder.path) != before


@pytest.mark.parametrize("content", [None, "a: [", "- a\n"])
def test_without_a_config_nothing_is_claimed(folder, content):
    folder.config.unlink()
    if content is not None:
        folder.config.write_text(content)
    assert origin(folder.path) is None
