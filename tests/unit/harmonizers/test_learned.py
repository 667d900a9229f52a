import pytest
import torch

from m5kit.harmonizers.learned import LearnedHarmonizer

ABC = ("a", "b", "c")
EVERYTHING = torch.ones(1, 3, dtype=torch.bool)
FEATURES = torch.zeros(1, 3, 4)


def random_harmonizer():
    harmonizer = LearnedHarmonizer(modalities=ABC)
    with torch.no_grad():
        harmonizer.scores.copy_(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))
    return harmonizer


def test_all_weights_start_at_one():
    harmonizer = LearnedHarmonizer(modalities=ABC)
    harmony = harmonizer(FEATURES, EVERYTHING)
    torch.testing.assert_close(harmony.pairs, torch.ones(1, 3, 3))
    torch.testing.assert_close(harmony.tasks, torch.ones(1, 3))
    assert harmonizer.penalty().item() == pytest.approx(0, abs=1e-6)


def test_weights_are_symmetric_and_sum_to_how_many_there_are():
    harmony = random_harmonizer()(FEATURES, EVERYTHING)
    torch.testing.assert_close(harmony.pairs, harmony.pairs.mT)
    assert harmony.pairs[0].triu(1).sum().item() == pytest.approx(3)
    assert harmony.tasks.sum().item() == pytest.approx(3)
    torch.testing.assert_close(harmony.pairs.diagonal(dim1=1, dim2=2), harmony.tasks)
    assert len(harmony.pairs[0].triu(1).unique()) == 4


def test_absent_modalities_weigh_nothing():
    harmony = random_harmonizer()(FEATURES, torch.tensor([[True, False, True]]))
    assert (harmony.pairs[0] > 0).tolist() == [[True, False, True], [False, False, False], [True, False, True]]
    assert (harmony.tasks[0] > 0).tolist() == [True, False, True]
    torch.testing.assert_close(harmony.modalities, torch.tensor([[0.5, 0.0, 0.5]]))


def test_the_penalty_is_the_lost_entropy():
    harmonizer = LearnedHarmonizer(modalities=ABC, entropy=2.0)
    with torch.no_grad():
        harmonizer.scores[0, 1] = 50.0  # one pair has all the weight: log(3) nats lost, the tasks lose none
    assert harmonizer.penalty().item() == pytest.approx(2 * torch.tensor(3.0).log().item(), abs=1e-5)


def test_weights_settle_at_a_softmax_of_the_losses():
    harmonizer = LearnedHarmonizer(modalities=ABC, entropy=0.5)
    losses = torch.tensor([[0.0, 1.0, 1.5], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    optimizer = torch.optim.SGD(harmonizer.parameters(), lr=1.0)
    for _ in range(300):
        optimizer.zero_grad()
        weights = harmonizer(FEATURES, EVERYTHING).pairs[0]
        ((weights.triu(1) * losses).sum() / 3 + harmonizer.penalty()).backward()
        optimizer.step()
    expected = 3 * (-torch.tensor([1.0, 1.5, 2.0]) / 0.5).softmax(0)
    torch.testing.assert_close(weights[[0, 0, 1], [1, 2, 2]], expected, atol=1e-3, rtol=0)


def test_one_modality_alone():
    harmonizer = LearnedHarmonizer(modalities=("a",))
    harmony = harmonizer(torch.zeros(2, 1, 4), torch.ones(2, 1, dtype=torch.bool))
    assert harmony.tasks.tolist() == [[1], [1]]
    assert harmonizer.penalty().item() == 0
