"""What a config leaves of the training splits; evaluation is left alone."""

import json

import pytest

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_pipelines
from m5kit.assembly.sources import data_root, open_dataset
from m5kit.config import check_config, load_config


@pytest.fixture
def opened(tmp_path):
    """Gives the data of demo/scale with changes, over 100 items to train on and 100 to test on."""
    whole = {"image": "i.png", "text": "t", "table": {"a": 1}, "video": "v.mp4", "audio": "a.wav"}
    rows = [
        {"id": str(i), "split": split, **whole, **({"audio": None} if i % 2 else {})}
        for i, split in enumerate(["pretrain"] * 100 + ["test"] * 100)
    ]
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def open_data(*changes):
        config = check_config(load_config("demo/scale", ["data.train=[pretrain]", *changes], tmp_path))
        return RunData(config, tmp_path, build_pipelines(config), {})

    return open_data


def test_by_default_a_run_trains_on_all_of_its_splits(opened):
    data = opened()
    assert len(data.training_items) == len(data.samples("pretrain")) == 100
    assert all(not item.lost for item in data.training_items)


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        (["data.share=0.3"], 30),
        (["data.complete_only=true"], 50),
        (["data.complete_only=true", "encoder_audio=none"], 100),
        (["data.complete_only=true", "data.share=0.5"], 25),
        (["data.missing_rate=0.5"], 100),
    ],
)
def test_training_items_are_chosen_and_evaluation_stays_whole(opened, changes, count):
    data = opened(*changes)
    assert len(data.training_items) == count
    for split in ("pretrain", "test"):
        assert len(data.samples(split)) == 100
        assert all(not item.lost for item in data.samples(split))


def test_what_goes_missing_is_fixed_by_the_seed(opened):
    lost = [[item.lost for item in opened("data.missing_rate=0.5", f"seed={s}").training_items] for s in (0, 0, 1)]
    assert lost[0] == lost[1] != lost[2]
    assert any(lost[0])


def test_the_manifest_itself_may_be_named(opened, tmp_path):
    (tmp_path / "annotations.jsonl").rename(tmp_path / "items.ndjson")
    config = check_config(load_config("demo/scale", (), tmp_path / "items.ndjson"))
    assert data_root(config) == tmp_path  # which the paths of its media are relative to
    assert len(open_dataset(config)) == 200


def test_links_out_of_the_data_are_followed_where_the_config_says_so(opened):
    assert not any(pipeline.decoder.follow_links for pipeline in opened().pipelines.values())
    assert all(pipeline.decoder.follow_links for pipeline in opened("data.follow_links=true").pipelines.values())


def test_a_modality_that_no_training_item_has_is_told(opened, tmp_path, caplog):
    data = opened("data.workers=0")
    data.train_loader()
    assert caplog.text == ""
    (tmp_path / "annotations.jsonl").write_text(
        "".join(
            json.dumps({"id": str(i), "split": "pretrain", "text": "t", "table": {"a": 1}}) + "\n" for i in range(64)
        )
    )
    opened_again = RunData(data.config, tmp_path, build_pipelines(data.config), {})
    opened_again.train_loader()
    for modality in ("audio", "image", "video"):
        assert f"no {modality}: none of the 64 training items has this modality" in caplog.text
    assert "no text" not in caplog.text


def test_items_of_each_class_are_counted_and_drawn_equally_often(tmp_path):
    rows = [{"id": str(i), "split": "train", "text": "t", "labels": {"kind": "fig"}} for i in range(8)]
    rows += [{"id": "8", "split": "train", "text": "t", "labels": {"kind": "pear"}}]
    rows += [{"id": "9", "split": "train", "text": "t", "labels": {}}]
    (tmp_path / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    changes = [f"encoder_{m}=none" for m in ("audio", "image", "table", "video")]
    changes += [
        "task_contrastive=none",
        "task_completion=none",
        "data.train=[train]",
        "data.label=kind",
        "data.balance=label",
    ]
    config = check_config(load_config("demo/scale", [*changes, "schedule.batch_size=4"], tmp_path))
    data = RunData(config, tmp_path, build_pipelines(config), {"kind": ["fig", "kiwi", "pear"]})
    assert data.class_counts == [8, 0, 1]
    batch = next(iter(data.train_loader().batch_sampler))
    assert [draw.index for draw in batch].count(8) == 2
    assert 9 not in [draw.index for draw in batch]
