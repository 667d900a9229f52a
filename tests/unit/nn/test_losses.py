import numpy as np
import pytest
import torch
from torch.nn import functional as F

from m5kit.nn import losses

TEMPERATURE = 0.1


@pytest.fixture
def triple():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    return a, b, torch.rand(6, dtype=torch.float64, generator=generator)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def numpy_infonce(a, b, scale):
    logits = unit(a) @ unit(b).T / TEMPERATURE
    each = []
    for i in range(len(a)):
        forward, backward = logits[i] * scale[i], logits[:, i] * scale[i]
        each.append(np.mean([np.log(np.exp(row).sum()) - row[i] for row in (forward, backward)]))
    return np.array(each)


def numpy_paper(a, b, scale):
    a, b = unit(a), unit(b)
    each = []
    for i in range(len(a)):
        negatives = sum(
            np.exp(scale[i] * x[i] @ y[k] / TEMPERATURE) for x, y in ((a, b), (b, a)) for k in range(len(a)) if k != i
        )
        each.append(-np.log(np.exp(scale[i] * a[i] @ b[i] / TEMPERATURE) / negatives))
    return np.array(each)


def numpy_ntxent(a, b, scale):
    both, size = unit(np.concatenate([a, b])), len(a)
    each = np.zeros(size)
    for i in range(2 * size):
        logits = scale[i % size] * both @ both[i] / TEMPERATURE
        rest = [k for k in range(2 * size) if k != i]
        each[i % size] += (np.log(np.exp(logits[rest]).sum()) - logits[(i + size) % (2 * size)]) / 2
    return each


@pytest.mark.parametrize(
    ("loss", "reference"),
    [(losses.infonce, numpy_infonce), (losses.paper_contrastive, numpy_paper), (losses.ntxent, numpy_ntxent)],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_a_contrastive_loss_agrees_with_its_numpy_version(triple, loss, reference, scaled):
    a, b, scale = triple
    expected = reference(a.numpy(), b.numpy(), scale.numpy() if scaled else np.ones(6))
    torch.testing.assert_close(
        loss(a, b, TEMPERATURE, scale if scaled else None), torch.from_numpy(expected), atol=1e-6, rtol=0
    )


def test_infonce_is_cross_entropy_both_ways(triple):
    a, b, _ = triple
    logits, own = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / TEMPERATURE, torch.arange(6)
    expected = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    torch.testing.assert_close(losses.infonce(a, b, TEMPERATURE).mean(), expected)


def test_ntxent_is_cross_entropy_with_the_positive_first(triple):
    a, b, _ = triple
    both = F.normalize(torch.cat([a, b]), dim=1)
    similar = both @ both.T / TEMPERATURE
    rows = []
    for i in range(12):
        partner = (i + 6) % 12
        rows.append(torch.stack([similar[i, partner], *(similar[i, k] for k in range(12) if k not in (i, partner))]))
    expected = F.cross_entropy(torch.stack(rows), torch.zeros(12, dtype=torch.int64))
    torch.testing.assert_close(losses.ntxent(a, b, TEMPERATURE).mean(), expected)


@pytest.mark.parametrize("loss", [losses.infonce, losses.ntxent, losses.paper_contrastive])
def test_a_contrastive_loss_does_not_depend_on_direction_length_or_order(triple, loss):
    a, b, scale = triple
    expected = loss(a, b, TEMPERATURE, scale)
    torch.testing.assert_close(loss(b, a, TEMPERATURE, scale), expected)
    torch.testing.assert_close(loss(3 * a, b / 7, TEMPERATURE, scale), expected)
    order = torch.tensor([3, 1, 0, 5, 4, 2])
    torch.testing.assert_close(loss(a[order], b[order], TEMPERATURE, scale[order]), expected[order])


@pytest.mark.parametrize("loss", [losses.infonce, losses.ntxent])
def test_a_row_alone_has_nothing_to_lose(loss):
    torch.testing.assert_close(loss(torch.randn(1, 4), torch.randn(1, 4), TEMPERATURE), torch.zeros(1))


def test_vectors_of_zeros_give_finite_losses_and_gradients():
    a, b = torch.zeros(3, 4, requires_grad=True), torch.randn(3, 4)
    loss = losses.infonce(a, b, TEMPERATURE)
    loss.sum().backward()
    torch.testing.assert_close(loss, torch.full((3,), 3.0).log())
    assert a.grad.isfinite().all()


def test_cosines_stay_exact_under_autocast():
    a = torch.randn(4, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = losses.cosines(a, a)
    torch.testing.assert_close(lowered, losses.cosines(a, a), atol=0, rtol=0)
    assert losses.cosines(a.bfloat16(), a.bfloat16()).dtype is torch.float32


def test_supervised_contrastive_agrees_with_its_numpy_version():
    features = np.random.default_rng(0).normal(size=(8, 3))
    target = np.array([0, 0, 1, 1, 1, 2, -1, -1])
    known = np.flatnonzero(target >= 0)
    each = []
    for i in known:
        others = [k for k in known if k != i]
        positives = [k for k in others if target[k] == target[i]]
        if positives:
            logits = unit(features) @ unit(features)[i] / TEMPERATURE
            each.append(np.log(np.exp(logits[others]).sum()) - logits[positives].mean())
    actual = losses.supervised_contrastive(torch.from_numpy(features), torch.from_numpy(target), TEMPERATURE)
    assert actual.item() == pytest.approx(np.sum(each), abs=1e-6)
    assert losses.repeated(torch.from_numpy(target)).sum() == len(each)


@pytest.mark.parametrize("target", [[-1, -1, -1], [0, 1, 2], [0, -1, -1]])
def test_supervised_contrastive_without_positives_is_zero(target):
    features = torch.randn(3, 4, requires_grad=True)
    loss = losses.supervised_contrastive(features, torch.tensor(target), TEMPERATURE)
    loss.backward()
    assert loss.item() == 0
    assert features.grad.abs().sum() == 0


def test_weighted_cross_entropy_agrees_with_its_numpy_version():
    rng = np.random.default_rng(0)
    logits, weight, target = rng.normal(size=(5, 4)), rng.random(5), np.array([0, -1, 3, 2, -1])
    terms = [weight[i] * (np.log(np.exp(logits[i]).sum()) - logits[i, target[i]]) for i in (0, 2, 3)]
    actual = losses.weighted_cross_entropy(*map(torch.from_numpy, (logits, target, weight)))
    assert actual.item() == pytest.approx(sum(terms), abs=1e-6)


def test_weighted_mse_agrees_with_its_numpy_version():
    rng = np.random.default_rng(0)
    prediction, target, weight = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.random(5)
    actual = losses.weighted_mse(*map(torch.from_numpy, (prediction, target, weight)))
    expected = (weight * ((prediction - target) ** 2).mean(axis=1)).sum()
    assert actual.item() == pytest.approx(expected, abs=1e-6)


def test_nothing_to_score_gives_zero_and_a_gradient_of_zeros():
    logits, layer = torch.randn(2, 3, requires_grad=True), torch.nn.Linear(4, 3)
    losses.weighted_cross_entropy(logits, torch.tensor([-1, -1])).backward()
    losses.weighted_mse(layer(torch.zeros(0, 4)), torch.zeros(0, 3)).backward()
    assert logits.grad.abs().sum() == 0
    assert layer.weight.grad.abs().sum() == 0


def test_no_loss_can_be_propagated():
    anchor = torch.full((2,), torch.nan, requires_grad=True)
    losses.no_loss(anchor).backward()
    assert anchor.grad.tolist() == [0, 0]


@pytest.mark.parametrize("loss", [losses.infonce, losses.paper_contrastive, losses.ntxent])
def test_some_rows_among_all_have_the_losses_that_they_have_in_the_whole(loss):
    a, b, scale = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64), torch.rand(5)
    own = torch.tensor([1, 4])
    torch.testing.assert_close(loss(a, b, 0.3, scale[own], own), loss(a, b, 0.3, scale)[own])
    assert loss(a, b, 0.3, scale[:0], own[:0]).shape == (0,)
