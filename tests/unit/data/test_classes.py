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


def test_an_order_behind_a_link_out_of_the_folder_needs_permission(tmp_path):
    (tmp_path / "secret.json").write_text('{"kind": ["fig"]}')
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "classes.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(DataError, match="a link that leaves"):
        class_order(folder, "kind")
    assert class_order(folder, "kind", follow_links=True) == ["fig"]
