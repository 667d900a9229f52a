import torch

from m5kit.data.collate import collate
from m5kit.data.dataset import Prepared
from m5kit.structures import Failure, Inputs


def steps(*values):
    return Inputs.single(torch.tensor(values))


def test_only_present_items_are_stacked_and_padded():
    failure = Failure("c", "a", "damaged")
    batch = collate(
        [
            Prepared("x", {"b": steps(1, 2)}, {"fine": 4}),
            Prepared("y", {"a": steps(3), "b": steps(5)}, {"fine": -1}),
            Prepared("c", {}, {"fine": 0}, (failure,)),
        ],
        modalities=("b", "z", "a"),
    )
    assert batch.ids == ("x", "y", "c")
    assert batch.modalities == ("a", "b", "z")
    assert batch.present.tolist() == [[False, True, False], [True, True, False], [False, False, False]]
    assert batch.inputs["b"].values.tolist() == [[1, 2], [5, 0]]
    assert batch.inputs["b"].lengths.tolist() == [2, 1]
    assert set(batch.inputs) == {"a", "b"}
    assert batch.targets["fine"].tolist() == [4, -1, 0]
    assert batch.failures == (failure,)
    assert batch.rows("a").tolist() == [1]


def test_a_batch_with_nothing_is_still_a_batch():
    batch = collate([Prepared("x", {})], modalities=("a", "b"))
    assert batch.present.tolist() == [[False, False]]
    assert batch.present.dtype == torch.bool
    assert batch.inputs == {}


def test_an_item_with_several_values_has_a_row_for_each_and_they_say_whose_they_are():
    several = Prepared(
        "y", {"a": steps(3), "b": steps(5)}, {"fine": 2}, position=7, others=({"a": steps(4), "b": steps(5)},)
    )
    batch = collate([Prepared("x", {"b": steps(1)}, {"fine": 1}, position=6), several], modalities=("a", "b"))
    assert batch.ids == ("x", "y", "y")
    assert batch.owners.tolist() == [0, 1, 1]
    assert batch.positions.tolist() == [6, 7, 7]
    assert batch.targets["fine"].tolist() == [1, 2, 2]
    assert batch.inputs["a"].values.tolist() == [[3], [4]]
    items = batch.one_row_each()
    assert (items.ids, items.owners) == (("x", "y"), None)
    assert items.inputs["a"].values.tolist() == [[3]]
    assert collate([Prepared("x", {})], modalities=("a",)).owners is None


def test_the_plan_is_that_of_who_has_what():
    text = Inputs.single(torch.ones(2))
    made = collate([Prepared("a", {}), Prepared("b", {"text": text}), Prepared("c", {"text": text})], ("text", "image"))
    assert made.present.tolist() == [[False, False], [False, True], [False, True]]
    assert {m: rows.tolist() for m, rows in made.plan.items()} == {"text": [1, 2]}
