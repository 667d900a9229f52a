import io
import json

import pytest

from m5kit.errors import ConfigError
from m5kit.nn.pretrained import weights
from m5kit.nn.pretrained.weights import load_config, load_network


def test_code_of_a_folder_is_never_run(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mine", "auto_map": {"AutoConfig": "m.C"}}))
    ran = tmp_path / "ran"
    (tmp_path / "m.py").write_text(f"import pathlib\npathlib.Path({str(ran)!r}).touch()\nclass C: pass\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 10))  # the answer to the question that transformers would ask
    for load in (load_config, load_network):
        with pytest.raises(ConfigError):
            load(str(tmp_path), "hf_text")
    assert not ran.exists()


def test_what_is_waited_for_is_said_once(monkeypatch, caplog):
    monkeypatch.delenv(weights.OFFLINE, raising=False)
    weights._announce.cache_clear()
    for _ in range(2):
        assert weights._place("nobody/nothing") == "nobody/nothing"
    (record,) = caplog.records
    assert "asking the hub for nobody/nothing; without a network" in record.getMessage()
