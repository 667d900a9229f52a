"""Labels of items: one column a name, properties beside them if asked for."""

from m5kit.inference.labels import read_labels
from m5kit.structures import Sample

SAMPLES = [
    Sample("a", {"table": {"colour": "red", "price": 3, "tags": ["x"]}}, {"kind": "mug"}),
    Sample("b", {"table": {"colour": "blue"}}, {}),
    Sample("c", {"text": "a jug"}, {"kind": "jug", "fine": "j1"}),
]


def test_an_item_without_a_label_has_an_empty_one():
    found = {name: values.tolist() for name, values in read_labels(SAMPLES, None).items()}
    assert found == {"fine": ["", "", "j1"], "kind": ["mug", "", "jug"]}


def test_properties_join_the_labels_as_texts_and_lists_do_not():
    found = {name: values.tolist() for name, values in read_labels(SAMPLES, "table").items()}
    assert found["table.colour"] == ["red", "blue", ""]
    assert found["table.price"] == ["3", "", ""]
    assert "table.tags" not in found
    assert list(found) == sorted(found)
