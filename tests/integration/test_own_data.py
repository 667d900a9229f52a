"""One config serves whatever data a user has; what is missing is said, what is wanted and missing is an error."""

import json
import shutil

import pytest


@pytest.fixture(scope="module")
def shop(tmp_path_factory, demo):
    """Pictures and texts alone, with splits and a label of other names than the configs have."""
    folder = tmp_path_factory.mktemp("shop")
    rows = []
    for number, line in enumerate((demo / "annotations.jsonl").read_text(encoding="utf-8").splitlines()):
        item = json.loads(line)
        picture = str(demo / item["image"]) if item["image"] else None
        if picture or item["text"]:
            labels = {"category": item["labels"]["coarse"]}
            split = "holdout" if number % 3 == 0 else "train"
            rows.append({"id": item["id"], "split": split, "image": picture, "text": item["text"], "labels": labels})
    for row in rows:
        if row["image"]:
            place = folder / row["image"].rpartition("/")[2]
            shutil.copyfile(row["image"], place)
            row["image"] = place.name
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


@pytest.mark.parametrize("leaf", ["small", pytest.param("scale", marks=pytest.mark.slow)])
def test_a_config_for_five_modalities_runs_on_two(tool, short, shop, tmp_path, leaf):
    overrides = short("model.dim=32", "model.features=32") if leaf == "scale" else short()
    run = tmp_path / "run"
    said = tool(
        "tools/train.py", f"configs/products/{leaf}.yaml", "--data", shop, "--run-dir", run, "--set",
        "schedule.minutes=", *overrides,
    ).stdout  # fmt: skip
    assert "note: none of" in said
    assert "training items has audio, table or video: left out with all that needs it" in said
    assert "note: there is no split test: metrics are computed on holdout" in said
    assert "note: no item has the label coarse or fine: metrics are computed for category" in said
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    own = ["itself"] if leaf == "small" else []
    assert list(results["results"]) == ["category", "classification", "clustering", "pairs", *own]
    assert results["skipped"] == {}


def test_a_metric_that_is_asked_for_by_name_must_be_possible(tool, trained, shop):
    done = tool("tools/evaluate.py", trained[0], "--data", shop, "--metrics", "coarse", check=False)
    assert done.returncode == 2
    assert "evaluation.coarse cannot be computed: the manifest has no split gallery_coarse" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "no/such/folder"], "data.root: there is no folder no/such/folder"),
        (["--run-dir", "RUN"], "already holds a run; "),
    ],
)
def test_a_wrong_folder_is_told_before_torch_is_imported(tool, tmp_path, words, said):
    (tmp_path / "config.yaml").touch()
    given = ["train", "products/scale", *(str(tmp_path) if word == "RUN" else word for word in words)]
    code = (
        f"import sys; from m5kit.cli.main import main; status = main({given}); "
        "sys.exit(99 if 'torch' in sys.modules else status)"
    )
    done = tool("-c", code, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout
