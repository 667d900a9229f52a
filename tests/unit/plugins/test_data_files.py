"""The data that a local plugin reads is found by the names in its source, without importing it."""

import os

import pytest

from m5kit.plugins.data_files import data_digest, data_of


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data" / "deep").mkdir(parents=True)
    for name in ("words.txt", "words_en.json", "data/words.txt", "data/deep/weights.pt", "data/other.txt"):
        (tmp_path / name).write_text(name)
    return tmp_path


def named(folder, line):
    (folder / "mine.py").write_text(f"def build():\n    {line}\n")
    return [file.relative_to(folder).as_posix() for file in data_of(folder / "mine.py")]


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("open('words.txt')", ["words.txt"]),
        ("Path(__file__).with_name('words.txt')", ["words.txt"]),
        ("Path(__file__).parent / 'data' / 'words.txt'", ["data/words.txt", "words.txt"]),
        ("os.path.join(HERE, 'data/deep', 'weights.pt')", ["data/deep/weights.pt"]),
        ("HERE / 'data/deep/weights.pt'", ["data/deep/weights.pt"]),
        ("open(HERE / f'words_{language}.json')", ["words_en.json"]),
        ("(HERE / 'data').glob('*.txt')", ["data/other.txt", "data/words.txt", "words.txt"]),
        ("HERE / 'data'", []),
        ("glob('*')", []),
        ("'../words.txt', '/etc/passwd', 'mine.py', 'a\\x00b', '', '.', f'{a}.{b}'", []),
    ],
)
def test_names_in_a_source(folder, line, files):
    assert named(folder, line) == files


def test_names_in_helpers_count_and_what_is_no_regular_file_does_not(folder):
    (folder / "helper.py").write_text("NAMES = 'words_en.json', 'pipe', '.hidden'")
    (folder / ".hidden").write_text("")
    os.mkfifo(folder / "pipe")
    assert named(folder, "import helper") == ["words_en.json"]


def test_the_digest_follows_the_content_and_is_empty_without_data(folder):
    named(folder, "open('words.txt')")
    before = data_digest(folder / "mine.py")
    assert len(before) == 16
    (folder / "words.txt").write_text("others")
    assert data_digest(folder / "mine.py") != before
    named(folder, "pass")
    assert data_digest(folder / "mine.py") == ""
