"""A run goes on with the config that it began with; what m5kit has learned to ask since has its default."""

import pytest
import yaml

from m5kit.config import dump, load_config
from m5kit.errors import CheckpointError, ConfigError
from m5kit.runs.beginning import begin_run, changed_items, require_resumable, require_same_data
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json


@pytest.fixture
def begun(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    begin_run(folder, load_config("demo/scale"), {"items": 3})
    return folder


def test_the_same_config_goes_on(begun):
    require_resumable(begun, load_config("demo/scale"))


def test_what_does_not_touch_the_weights_may_change(begun):
    require_resumable(
        begun, load_config("demo/scale", ["logging.every_steps=7", "validation.items=9", "data.workers=0"])
    )


def test_what_does_is_named(begun):
    with pytest.raises(ConfigError) as caught:
        require_resumable(begun, load_config("demo/scale", ["schedule.weight_decay=0.5", "seed=7"]))
    assert [text.partition(":")[0] for text in caught.value.problems] == ["schedule.weight_decay", "seed"]


def test_what_a_run_that_diverged_is_told_to_change_may_change_and_is_told(begun, caplog):
    require_resumable(begun, load_config("demo/scale", ["schedule.lr=0.5"]))
    assert "and is 0.5 from here on" in caplog.text


@pytest.mark.parametrize("content", ["", "[1]", "name: demo/scale\nseed: 0\nmode: pretrain\n"])
def test_a_config_that_was_cut_is_named_in_one_sentence(begun, caplog, content):
    begun.config.write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"config\.yaml has no .*data, schedule: it was changed or cut; "):
        require_resumable(begun, load_config("demo/scale"))
    assert "from here on" not in caplog.text


def test_a_key_that_did_not_exist_then_has_its_default(begun):
    then = yaml.safe_load(dump(load_config("demo/scale")))
    del then["schedule"]["bf16_on_cpu"], then["validation"]
    begun.config.write_text(yaml.safe_dump(then), encoding="utf-8")
    require_resumable(begun, load_config("demo/scale"))
    with pytest.raises(ConfigError, match="has False, now it is True"):
        require_resumable(begun, load_config("demo/scale", ["schedule.bf16_on_cpu=true"]))


def test_changed_items_are_refused_or_accepted_and_recorded(begun):
    was, now = read_json(begun.provenance)["data"], {"items": 7}
    require_same_data(begun, was, accept=False)
    with pytest.raises(ConfigError, match=r"the items changed since the run in .*accept_changes"):
        require_same_data(begun, now, accept=False)
    require_same_data(begun, now, accept=True)
    assert read_json(begun.provenance)["data"] == now
    assert read_json(begun.provenance)["data_before"] == [was]


def test_of_changed_items_only_what_differs_is_told_and_of_digests_their_beginnings():
    was = {"folder": "tars", "sha256": "a1b2c3d4e5f6" + 52 * "0", "items": 3}
    assert changed_items({"data": was}, was | {"content": "new in this version"}) is None
    assert changed_items({"data": was}, was | {"sha256": 64 * "b", "items": 4}) == (
        "sha256 a1b2c3d4e5f6... then, bbbbbbbbbbbb... now; items 3 then, 4 now"
    )
    assert changed_items({"data": was}, {"folder": "tars", "sha256": was["sha256"]}) == "items 3 then, None now"
