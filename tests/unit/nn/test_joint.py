import torch

from m5kit.nn.joint import JointSequence, joint_positions
from m5kit.nn.packing import padded_layout

LENGTHS = torch.tensor([[2, 1], [0, 0], [1, 3]])


def grids():
    """Tokens numbered 1 to 7, source after source; 99 stands in the padding."""
    one = torch.tensor([[1.0, 2.0], [99.0, 99.0], [3.0, 99.0]])
    other = torch.tensor([[4.0, 99.0, 99.0], [99.0, 99.0, 99.0], [5.0, 6.0, 7.0]])
    return [one, other]


def test_every_items_tokens_stand_side_by_side_in_the_joint_sequence():
    assert joint_positions(torch.tensor([[2, 1], [1, 3]]), [2, 3]).tolist() == [0, 1, 4, 2, 5, 6, 7]


def test_items_follow_one_another_and_an_item_with_nothing_takes_no_place():
    joint = JointSequence.of(LENGTHS, [2, 3])
    packed = joint.pack(grids())
    assert packed.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert joint.join(packed).tolist() == [1, 2, 4, 3, 5, 6, 7]
    assert joint.packing.unpack(joint.join(packed)).tolist() == [[1, 2, 4, 0], [0, 0, 0, 0], [3, 5, 6, 7]]


def test_splitting_gives_the_sources_back_with_clean_padding():
    joint = JointSequence.of(LENGTHS, [2, 3])
    one, other = joint.split(joint.join(joint.pack(grids())))
    assert one.tolist() == [[1, 2], [0, 0], [3, 0]]
    assert other.tolist() == [[4, 0, 0], [0, 0, 0], [5, 6, 7]]


def test_sources_that_nobody_has_are_empty():
    joint = JointSequence.of(torch.zeros(2, 2, dtype=torch.int64), [2, 0])
    packed = joint.pack([torch.ones(2, 2, 3), torch.ones(2, 0, 3)])
    assert packed.shape == (0, 3)
    assert [part.shape for part in joint.split(joint.join(packed))] == [(2, 2, 3), (2, 0, 3)]


def test_in_a_padded_layout_the_grids_stand_side_by_side_and_only_real_tokens_are_looked_at():
    with padded_layout():
        joint = JointSequence.of(LENGTHS, [2, 3])
    packed = joint.pack(grids())
    assert joint.packing.keys[:, 0, 0].int().tolist() == [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 1, 1, 1]]
    assert joint.packing.unpack(joint.join(packed)).tolist() == [[1, 2, 4, 0, 0], [0, 0, 0, 0, 0], [3, 0, 5, 6, 7]]
    one, other = joint.split(joint.join(packed))
    assert one.tolist() == [[1, 2], [0, 0], [3, 0]]
    assert other.tolist() == [[4, 0, 0], [0, 0, 0], [5, 6, 7]]


def test_one_source_alone_is_neither_joined_nor_split():
    lengths = torch.tensor([[2], [0], [1]])
    joint = JointSequence.of(lengths, [3])
    grid = torch.tensor([[1.0, 2.0, 99.0], [99.0, 99.0, 99.0], [3.0, 99.0, 99.0]])
    packed = joint.pack([grid])
    assert joint.join(packed) is packed
    assert joint.packing.unpack(packed).tolist() == [[1, 2], [0, 0], [3, 0]]
    assert joint.packing.keys[:, 0, 0].int().tolist() == [[1, 1], [1, 0], [1, 0]]
    assert joint.split(packed)[0].tolist() == [[1, 2, 0], [0, 0, 0], [3, 0, 0]]


def test_one_source_that_nobody_has_is_empty():
    joint = JointSequence.of(torch.zeros(2, 1, dtype=torch.int64), [2])
    packed = joint.pack([torch.ones(2, 2, 3)])
    assert packed.shape == (0, 3)
    assert joint.split(joint.join(packed))[0].shape == (2, 2, 3)
