import json

import pytest

from m5kit.data import validate as module
from m5kit.data.manifest import read_manifest
from m5kit.data.validate import validate
from m5kit.errors import DecodeError


class Picky:
    def __call__(self, source, root):
        raise DecodeError(f"{source} is damaged")


@pytest.fixture
def folder(write_manifest):
    root = write_manifest(
        {"id": "a", "split": "train", "image": "there.jpg", "text": "t", "labels": {"fine": "x"}},
        {"id": "b", "split": "train", "image": "gone.jpg"},
        {"id": "c", "split": "test", "image": "../out.jpg", "video": "empty.mp4", "audio": "folder"},
        "[]",
    )
    (root / "there.jpg").write_bytes(b"x")
    (root / "empty.mp4").write_bytes(b"")
    (root / "folder").mkdir()
    return root


def test_every_problem_has_its_place_id_and_field(folder):
    found = validate(folder)
    assert [(p.place, p.id, p.field, p.message) for p in found.problems] == [
        ("line 2", "b", "image", "gone.jpg is missing"),
        ("line 3", "c", "audio", "folder is no file"),
        ("line 3", "c", "image", "../out.jpg leaves the manifest's folder; use a path relative to it"),
        ("line 3", "c", "video", "empty.mp4 is empty (0 bytes)"),
        ("line 4", "", "row", "expected a JSON object, got [] (list)"),
    ]
    assert str(found.problems[0]) == "line 2: image: gone.jpg is missing"


def test_what_the_set_holds_is_counted(folder):
    found = validate(folder)
    assert found.items == 4
    assert found.splits == {"": 1, "test": 1, "train": 2}
    assert found.presence["train"] == {"image": 2, "text": 1}
    assert found.patterns == {("image", "text"): 1, ("image",): 1, ("audio", "image", "video"): 1, (): 1}


def test_absolute_paths_leave_the_folder(write_manifest):
    found = validate(write_manifest({"id": "a", "image": "/etc/passwd"}))
    assert "leaves the manifest's folder" in found.problems[0].message


def test_decoding_reports_what_the_decoders_say(folder, monkeypatch):
    monkeypatch.setattr(module, "_decoders", lambda modalities, follow_links: {"image": Picky(), "text": Picky()})
    messages = [str(problem) for problem in validate(folder, decode=True).problems[:2]]
    assert messages == ["line 1: image: there.jpg is damaged", "line 1: text: t is damaged"]


def test_an_item_without_any_modality_is_a_problem_here_and_an_empty_item_to_a_run(write_manifest):
    root = write_manifest({"id": "a", "split": "train", "image": None})
    problem = validate(root).problems[0]
    assert str(problem) == "line 1: row: has no modality; expected at least one of audio, image, table, text, video"
    assert not read_manifest(root)[0].sources


def test_rows_of_strangers_are_named_problems(write_manifest):
    root = write_manifest(
        '{"id": "deep", "table": {"x": ' + "[" * 50_000 + "]" * 50_000 + "}}",
        {"id": "long", "image": "x" * 5000},
        '{"id": "half", "image": "m/\\ud800.jpg"}',
    )
    found = {p.id or p.place: (p.field, p.message) for p in validate(root).problems}
    assert found["line 1"][0] == "row"
    assert found["long"] == ("image", f"{'x' * 80}… (5,000 letters) cannot be opened: File name too long")
    assert found["half"] == ("image", "m/\\ud800.jpg is missing")


def test_values_in_the_row_are_looked_at_without_decoding_files(write_manifest):
    root = write_manifest(
        '{"id": "a", "text": "x", "table": {"w": NaN, "colour": "red"}}',
        '{"id": "b", "text": "\\u0000", "table": {"w": [[1]]}}',
        '{"id": "c", "text": "cut \\ud83d", "table": {"n": %s}}' % (10**400),
        '{"id": 0, "text": "x"}',
        '{"id": "d", "text": "fine", "table": ' + "[" * 100_000,
    )
    found = [(problem.place, problem.field) for problem in validate(root).problems]
    assert found == [
        ("line 1", "table"),
        ("line 2", "table"),
        ("line 2", "text"),
        ("line 3", "table"),
        ("line 4", "id"),
        ("line 5", "row"),
    ]


def test_links_out_of_the_folder_are_problems_unless_allowed(write_manifest, tmp_path_factory):
    root = write_manifest({"id": "a", "image": "a.jpg"}, {"id": "b", "image": "pack#b"})
    outside = tmp_path_factory.mktemp("out") / "x.jpg"
    outside.write_bytes(b"x")
    (root / "a.jpg").symlink_to(outside)
    assert ["link that leaves" in problem.message for problem in validate(root).problems] == [True]
    assert validate(root, follow_links=True).problems == ()


def test_each_of_several_files_is_looked_at_and_named(write_manifest):
    root = write_manifest({"id": "a", "image": ["there.jpg", "gone.jpg"], "text": ["t", 5]}, {"id": "b", "image": []})
    (root / "there.jpg").write_bytes(b"x")
    assert [(p.id, p.field, p.message) for p in validate(root).problems] == [
        ("a", "text", "value 2 of 2: expected a text, got 5 (int)"),
        ("a", "image", "gone.jpg is missing"),
        ("b", "image", "is empty; write null if the item has none"),
    ]
    broken = validate(root, decode=True).problems
    assert next(p.message for p in broken if p.field == "image").startswith("cannot read 'there.jpg'")


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("https://shop.example/a.jpg", "is missing; it looks like an address: fetch the file"),
        ("data:image/png;base64,AAAA", "is missing; it looks like an address"),
        ("~/a.jpg", "is missing; ~ stands for no folder here"),
        ("m\\a.jpg", "is missing; between folders stands /"),
        ("a:b.jpg", "is missing"),
    ],
)
def test_paths_of_other_places_are_told_as_such(tmp_path, path, hint):
    (tmp_path / "annotations.jsonl").write_text(json.dumps({"id": "a", "image": path}))
    [problem] = validate(tmp_path).problems
    assert hint in problem.message
    assert problem.message.endswith("missing") == (path == "a:b.jpg")
