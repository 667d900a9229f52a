"""Values computed by hand, and what each loss is for."""

import math

import pytest
import torch
from torch.testing import assert_close

from m5kit.nn.contrast import choose_negatives, chosen_infonce, gram, sigmoid_contrastive, symile, volumes


def test_sigmoid_is_the_equation_of_the_paper():
    a, b = torch.tensor([[1.0, 0.0], [0.6, 0.8]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    logits = [[10 * c - 10 for c in row] for row in [[1.0, 0.0], [0.6, 0.8]]]
    total = 0.0
    for i, row in enumerate(logits):
        for j, logit in enumerate(row):
            total += math.log1p(math.exp(-logit if i == j else logit))
    assert sigmoid_contrastive(a, b, 0.1, -10.0).sum().item() == pytest.approx(total, rel=1e-5)


def test_sigmoid_of_a_pair_does_not_depend_on_other_pairs():
    a, b = torch.randn(3, 8), torch.randn(3, 8)

    def gradient(rows):
        leaf = a[rows].clone().requires_grad_()
        logits = torch.nn.functional.normalize(leaf, dim=1) @ torch.nn.functional.normalize(b[rows], dim=1).mT
        return torch.autograd.grad(-torch.nn.functional.logsigmoid(logits[0, 0]), leaf)[0][0]

    assert_close(gradient([0, 1]), gradient([0, 1, 2]))


def test_one_positive_and_all_negatives_are_infonce():
    logits, own = torch.randn(4, 4), torch.eye(4, dtype=torch.bool)
    wanted = torch.nn.functional.cross_entropy(logits, torch.arange(4), reduction="none")
    assert_close(chosen_infonce(logits, own, ~own), wanted)


def test_several_positives_are_averaged_and_do_not_push_each_other():
    logits = torch.tensor([[2.0, 0.0, 1.0]])
    positive, negative = torch.tensor([[True, True, False]]), torch.tensor([[False, False, True]])
    # log(1 + exp(1 - 2)) = .3133 and log(1 + exp(1 - 0)) = 1.3133
    assert_close(chosen_infonce(logits, positive, negative), torch.tensor([0.8133]), atol=1e-4, rtol=0)


def test_a_row_without_negatives_or_positives_has_no_loss():
    leaf = torch.randn(2, 3, requires_grad=True)
    nothing, everything = torch.zeros(2, 3, dtype=torch.bool), torch.ones(2, 3, dtype=torch.bool)
    for positive, negative in ((everything, nothing), (nothing, everything)):
        loss = chosen_infonce(leaf, positive, negative)
        assert_close(loss, torch.zeros(2))
        loss.sum().backward()
    assert leaf.grad.isfinite().all()


def test_likely_false_negatives_go_and_the_hardest_stay():
    cosine = torch.tensor([[0.9, 0.85, 0.6, 0.3, -0.2]])
    candidate = torch.tensor([[False, True, True, True, True]])
    own = torch.tensor([0.9])
    assert choose_negatives(cosine, own, candidate).tolist() == candidate.tolist()
    assert choose_negatives(cosine, own, candidate, margin=0.1).tolist() == [[False, False, True, True, True]]
    assert choose_negatives(cosine, own, candidate, hardest=2).tolist() == [[False, True, True, False, False]]
    assert choose_negatives(cosine, own, candidate, margin=0.1, hardest=2).tolist() == [
        [False, False, True, True, False]
    ]
    assert not choose_negatives(cosine, own, candidate, margin=2.0, hardest=2).any()


def test_symile_of_three_by_hand():
    x, y, z = torch.eye(2), torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    # asked x: right products 1 and .8; wrong: x0 with y1 z0 = (0, 0), x1 with y0 z1 = (.6, 0): 0 and 0
    first = [math.log(1 + math.exp(0 - 1)), math.log(1 + math.exp(0 - 0.8))]
    # asked y: others z, x: wrong z1 x0 = (.6, 0) and z0 x1 = (0, 0): y0 with the first gives .6, y1 with the other 0
    second = [math.log(1 + math.exp(0.6 - 1)), math.log(1 + math.exp(0 - 0.8))]
    # asked z: others x, y: wrong rows x_j y_(j+1) = 0
    third = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(-0.8))]
    wanted = torch.tensor([sum(parts) / 3 for parts in zip(first, second, third, strict=True)])
    assert_close(symile([x, y, z], 1.0), wanted)


def test_symile_sees_what_no_pair_tells():
    """z is the sign of x times y: any two are unrelated, the three belong together."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 16).sign(), torch.randn(64, 16).sign()
    right = symile([x, y, x * y], 0.02).mean()
    wrong = symile([x, y, (x * y).roll(1, dims=0)], 0.02).mean()
    assert right < 0.3 < 3.0 < wrong


def test_volumes_are_determinants():
    torch.manual_seed(0)
    anchor, others = torch.randn(3, 5), [torch.randn(3, 5), torch.randn(3, 5)]
    found = volumes(anchor, others)
    for i in range(3):
        for j in range(3):
            rows = torch.stack([anchor[i], others[0][j], others[1][j]])
            unit = rows / rows.norm(dim=1, keepdim=True)
            assert found[i, j].item() == pytest.approx(torch.linalg.det(unit @ unit.mT).sqrt().item(), abs=2e-3)


def test_gram_asks_each_anchor_for_its_own_items_and_back():
    torch.manual_seed(0)
    features = torch.randn(8, 16)
    near = [features + 0.7 * torch.randn(8, 16) for _ in range(3)]
    logits, own = -volumes(near[0], near[1:]) / 0.1, torch.arange(8)
    ways = [torch.nn.functional.cross_entropy(each, own, reduction="none") for each in (logits, logits.mT)]
    assert_close(gram(near, 0.1), (ways[0] + ways[1]) / 2)


def test_gram_cannot_tell_anchors_apart_where_the_others_coincide():
    """Two equal vectors span nothing, whatever the anchor: why the task wants contrast by pairs beside it."""
    other = torch.randn(4, 8)
    assert volumes(torch.randn(4, 8), [other, other]).max() < 0.02


def test_gram_has_a_gradient_where_modalities_coincide():
    leaf = torch.eye(3, requires_grad=True)
    gram([leaf, leaf, leaf], 0.1).sum().backward()
    assert leaf.grad.isfinite().all()


def test_some_rows_among_all_have_the_losses_that_they_have_in_the_whole():
    a, b, c = torch.randn(3, 5, 4, dtype=torch.float64)
    for own in (torch.tensor([1, 4]), torch.tensor([], dtype=torch.int64)):
        assert_close(sigmoid_contrastive(a, b, 0.3, -1.0, own), sigmoid_contrastive(a, b, 0.3, -1.0)[own])
        for loss in (symile, gram):
            assert_close(loss([a, b, c], 0.3, own), loss([a, b, c], 0.3)[own])
