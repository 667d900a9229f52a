import torch

from m5kit.harmonizers.paper_literal import PaperLiteralHarmonizer

ABC = ("a", "b", "c")
FEATURES = torch.zeros(1, 3, 4)
EVERYTHING = torch.ones(1, 3, dtype=torch.bool)


def test_from_the_papers_start_nothing_trains():
    harmonizer = PaperLiteralHarmonizer(modalities=ABC)
    optimizer = torch.optim.SGD(harmonizer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        harmony = harmonizer(FEATURES, EVERYTHING)
        assert harmony.pairs.abs().sum() == 0
        assert harmony.tasks.abs().sum() == 0
        (harmony.pairs.sum() + harmony.tasks.sum()).backward()
        optimizer.step()


def test_from_one_the_weights_are_the_formula_and_sink():
    harmonizer = PaperLiteralHarmonizer(modalities=ABC, init=1.0)
    harmony = harmonizer(FEATURES, EVERYTHING)
    torch.testing.assert_close(harmony.pairs, torch.full((1, 3, 3), 1 / 3))
    (harmony.pairs.sum() + harmony.tasks.sum()).backward()
    assert (harmonizer.scores.grad > 0).all()


def test_the_formula_row_by_row():
    harmonizer = PaperLiteralHarmonizer(modalities=("a", "b"))
    with torch.no_grad():
        harmonizer.scores.copy_(torch.tensor([[0.0, 3.0], [-1.0, 2.0]]).log1p().nan_to_num(neginf=-1.0))
    chosen = harmonizer.scores.detach()
    rows = [[float(s * s.exp() / row.exp().sum()) for s in row] for row in chosen]
    harmony = harmonizer(torch.zeros(1, 2, 4), torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(harmony.pairs[0, 0, 1], torch.tensor(rows[0][1] / 2))  # S_ba < 0 counts as 0
    torch.testing.assert_close(harmony.tasks, torch.tensor([[0.0, rows[1][1]]]))
    torch.testing.assert_close(harmony.pairs, harmony.pairs.mT)


def test_absent_modalities_weigh_nothing():
    harmony = PaperLiteralHarmonizer(modalities=ABC, init=1.0)(FEATURES, torch.tensor([[True, False, True]]))
    assert harmony.pairs[0, 1].abs().sum() == 0
    assert harmony.tasks[0, 1] == 0
    assert harmony.modalities.tolist() == [[0.5, 0, 0.5]]
