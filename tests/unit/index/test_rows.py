from dataclasses import replace

import numpy as np

from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.columns import Column
from m5kit.index.rows import Row, item_values, read_hit, to_table


def test_labels_keep_their_names_and_properties_that_share_one_say_whose_they_are():
    sources = {"table": {"size": 3, "colour": None, "parts": ["a", "b"], "nested": {"x": 1}}, "text": "a mug"}
    assert item_values({"size": "big"}, sources) == {"size": "big", "table.size": 3, "parts": ["a", "b"]}


def test_a_row_is_read_as_it_was_written():
    columns = (Column("room name", "room_name", "string"), Column("n", "n", "number"))
    row = Row("a\ud800"[:1], "train", {"n": 2.5}, {"text": "half \ud800", "table": {"k": [1, True]}})
    table = to_table([row], np.ones((1, 4), np.float32), IndexInfo(width=4, columns=columns))
    # half of a character has no UTF-8, so it is left out
    assert read_hit(table.to_pylist()[0], columns) == replace(row, sources={**row.sources, "text": "half "})
    np.testing.assert_allclose(table["vector"][0].as_py(), [0.5] * 4)


def test_what_an_index_knows_of_itself_is_read_as_it_was_written():
    known = IndexInfo(
        width=4,
        run="r",
        modalities={"sound": "media"},
        seen=("sound",),
        columns=(Column("n", "n", "number", {"known": 1, "low": 0.0, "high": 1.0}),),
        approximation=Approximation(10, 3, 1, 10, 0.97),
    )
    assert IndexInfo.from_json(known.to_json()) == known
