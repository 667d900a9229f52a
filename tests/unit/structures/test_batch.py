"""Chunks of a batch are its items in order, in the memory of the batch."""

import torch

from m5kit.structures import Batch, Inputs

PRESENT = torch.tensor([[True, False], [True, True], [False, False], [True, True], [False, True]])


def items() -> Batch:
    inputs = {
        "a": Inputs(torch.arange(6.0).view(3, 2), torch.tensor([2, 1, 2]), {"groups": torch.arange(6).view(3, 2)}),
        "b": Inputs(torch.arange(3.0)[:, None], torch.ones(3, dtype=torch.int64)),
    }
    targets = {"kind": torch.arange(5)}
    return Batch(tuple("01234"), ("a", "b"), PRESENT, inputs, targets, positions=torch.arange(5) + 70)


def test_chunks_hold_what_taking_their_items_gives():
    for size in (1, 2, 3):
        for number, chunk in enumerate(items().chunks(size)):
            taken = items().take(torch.arange(number * size, min((number + 1) * size, 5)))
            assert (chunk.ids, chunk.inputs.keys(), chunk.plan.keys()) == (
                taken.ids,
                taken.inputs.keys(),
                taken.plan.keys(),
            )
            assert torch.equal(chunk.present, taken.present)
            assert torch.equal(chunk.positions, taken.positions)
            assert torch.equal(chunk.targets["kind"], taken.targets["kind"])
            for m, part in chunk.inputs.items():
                longest = int(part.lengths.max())
                assert torch.equal(part.values, taken.inputs[m].values[:, :longest])
                assert torch.equal(part.lengths, taken.inputs[m].lengths)
                assert all(torch.equal(part.extras[k], taken.inputs[m].extras[k][:, :longest]) for k in part.extras)
                assert torch.equal(chunk.plan[m], taken.plan[m])


def test_chunks_copy_nothing():
    batch = items()
    first, second = batch.chunks(3)
    memory = batch.inputs["a"].values.untyped_storage().data_ptr()
    assert {part.inputs["a"].values.untyped_storage().data_ptr() for part in (first, second)} == {memory}


def test_a_batch_that_is_no_larger_than_a_chunk_is_itself():
    batch = items()
    assert batch.chunks(5)[0] is batch


def test_the_first_axis_of_a_picture_is_no_padding():
    pictures = Inputs(torch.zeros(4, 3, 8, 8), torch.ones(4, dtype=torch.int64))
    assert pictures.between(1, 3).values.shape == (2, 3, 8, 8)
