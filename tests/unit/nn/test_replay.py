import torch

from m5kit.nn.replay import Replay


def draw(replay, *piece):
    with replay(*piece):
        return torch.rand(4)


def test_each_piece_has_numbers_of_its_own_and_always_the_same():
    torch.manual_seed(0)
    replay = Replay(torch.device("cpu"))
    first, other = draw(replay, 0, "encoded"), draw(replay, 0, "fused")
    assert torch.equal(draw(replay, 0, "encoded"), first)
    assert not torch.equal(first, other)
    assert not torch.equal(first, draw(replay, 1, "encoded"))


def test_the_next_step_draws_other_numbers():
    torch.manual_seed(0)
    assert not torch.equal(draw(Replay(torch.device("cpu")), 0), draw(Replay(torch.device("cpu")), 0))


def test_the_global_generator_moves_alike_however_often_a_piece_is_done():
    after = []
    for times in (0, 3):
        torch.manual_seed(0)
        replay = Replay(torch.device("cpu"))
        for _ in range(times):
            draw(replay, "x")
        after.append(torch.rand(2))
    assert torch.equal(*after)
