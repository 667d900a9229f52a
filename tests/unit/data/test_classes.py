import pytest

from m5kit.data.classes import class_order, write_classes
from m5kit.errors import DataError


def test_an_order_beside_the_manifest_numbers_the_classes(tmp_path):
    write_classes(tmp_path, {"kind": ["pear", "fig"]})
    assert class_order(tmp_path, "kind") == ["pear", "fig"]
    assert class_order(tmp_path, "other") == []
    assert class_order(tmp_path / "nowhere", "kind") == []


@pytest.mark.parametrize("text", ["[]", "{", '{"kind": ["a", "a"]}', '{"kind": [1]}', '{"kind": 5}'])
def test_a_damaged_order_is_refused(tmp_path, text):
    (tmp_path / "classes.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="expected an object, label name → list of its classes, each once"):
        class_order(tmp_path, "kind")
