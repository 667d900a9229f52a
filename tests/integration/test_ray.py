"""What a Ray cluster makes of items is what one process makes of them, to the same bytes."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def cluster(monkeypatch):
    pytest.importorskip("ray.data")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_shards_are_the_same_bytes_and_a_bad_item_is_a_recorded_failure(tool, demo, tmp_path):
    shop = tmp_path / "shop"
    shop.mkdir()
    rows = (demo / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    missing = '{"id": "bad", "split": "train", "image": "nowhere.jpg", "text": "a mug"}'
    (shop / "annotations.jsonl").write_text("\n".join([*rows[:40], missing, *rows[40:]]), encoding="utf-8")
    for path in demo.iterdir():
        if path.name != "annotations.jsonl":
            (shop / path.name).symlink_to(path)
    given = ["--items", "16", "--follow-links"]
    one = tool("-m", "m5kit", "data", "prepare", shop, "--out", tmp_path / "one", "--jobs", "1", *given).stdout
    many = tool("-m", "m5kit", "data", "prepare", shop, "--out", tmp_path / "many", "--engine", "ray", *given).stdout
    assert contents(tmp_path / "many") == contents(tmp_path / "one")
    for said in (one, many):
        assert "bad: image: cannot read 'nowhere.jpg': there is no such file" in said
        assert "121 items, 8 shards" in said


def test_vectors_are_the_same_bits_in_the_same_order(tool, demo, trained, tmp_path):
    for engine in ("here", "ray"):
        out = tmp_path / f"{engine}.npz"
        tool("-m", "m5kit", "embed", trained[0], "--data", demo, "--out", out, "--engine", engine)
    assert (tmp_path / "ray.npz").read_bytes() == (tmp_path / "here.npz").read_bytes()


def test_metric_values_are_the_same(tool, demo, trained):
    found = []
    for engine in ("here", "ray"):
        # --data, so that the run's own results stay as they are
        given = ["--data", demo, "--modalities", "image,text", "--modalities", "text", "--json", "--engine", engine]
        found.append(tool("-m", "m5kit", "evaluate", trained[0], *given).stdout)
    assert found[1] == found[0]


def test_a_mistake_is_told_without_a_traceback(tool, trained, demo, tmp_path):
    given = ["--data", demo, "--out", tmp_path / "v.npz", "--split", "nowhere", "--engine", "ray"]
    done = tool("-m", "m5kit", "embed", trained[0], *given, check=False)
    assert done.returncode == 2
    assert "has no item in split nowhere" in done.stderr
    assert "Traceback" not in done.stderr
