"""Directions in which the modalities of an item agree."""

import pytest
import torch

from m5kit.nn.common_directions import CommonDirections

ITEMS = 400


@pytest.fixture
def shown():
    """Two modalities that share two numbers among much that they do not share, and one that shares nothing."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(ITEMS, 2, generator=generator)
    vectors = {}
    for m in ("a", "b", "noise"):
        mixture = torch.linalg.qr(torch.randn(12, 12, generator=generator)).Q
        inside = torch.cat([shared, 2 * torch.randn(ITEMS, 10, generator=generator)], dim=1)
        if m == "noise":
            inside[:, :2] = torch.randn(ITEMS, 2, generator=generator)
        vectors[m] = inside @ mixture + 5
    return shared, vectors


def fitted(vectors, rows=None, directions=4):
    common = CommonDirections(widths={m: v.shape[1] for m, v in vectors.items()}, directions=directions)
    rows = rows or {m: torch.arange(ITEMS) for m in vectors}
    common.fit({m: v[rows[m]] for m, v in vectors.items()}, rows, ITEMS)
    return common


def everywhere(vectors):
    return {m: torch.ones(len(v)) for m, v in vectors.items()}


def test_what_is_shared_is_found_and_the_rest_is_not(shown):
    shared, vectors = shown
    found = fitted(vectors, directions=2)(vectors, everywhere(vectors))
    assert found.norm(dim=1).tolist() == pytest.approx([1.0] * ITEMS)
    alike = torch.nn.functional.normalize(shared, dim=1)
    between = torch.corrcoef(torch.stack([(found @ found.T).flatten(), (alike @ alike.T).flatten()]))[0, 1]
    assert between > 0.75


def test_one_modality_finds_the_other(shown):
    _, vectors = shown
    common = fitted(vectors, directions=2)
    no, yes = torch.zeros(ITEMS), torch.ones(ITEMS)
    one = common(vectors, {"a": yes, "b": no, "noise": no})
    other = common(vectors, {"a": no, "b": yes, "noise": no})
    cosines = one @ other.T
    assert cosines.diagonal().mean() > cosines.mean() + 0.3


def test_what_is_absent_counts_for_nothing(shown):
    _, vectors = shown
    rows = {m: torch.arange(ITEMS) for m in vectors} | {"a": torch.arange(0, ITEMS, 2)}
    common = fitted(vectors, rows)
    weights = everywhere(vectors) | {"b": torch.zeros(ITEMS)}
    without = common({m: v for m, v in vectors.items() if m != "b"}, weights)
    torch.testing.assert_close(common(vectors, weights), without)
    nothing = {m: torch.zeros(ITEMS) for m in vectors}
    assert common(vectors, nothing).abs().max() == 0


def test_a_modality_that_nobody_has_is_left_out(shown):
    _, vectors = shown
    common = CommonDirections(widths=dict.fromkeys(vectors, 12), directions=4)
    there = {m: v for m, v in vectors.items() if m != "noise"}
    common.fit(there, {m: torch.arange(ITEMS) for m in there}, ITEMS)
    assert common.map_noise.abs().max() == 0
    assert common.fitted


def test_too_few_items_give_finite_directions(shown):
    _, vectors = shown
    common = CommonDirections(widths=dict.fromkeys(vectors, 12), directions=4)
    common.fit({m: v[:1] for m, v in vectors.items()}, {m: torch.arange(1) for m in vectors}, 1)
    assert torch.isfinite(common(vectors, everywhere(vectors))).all()


def test_items_that_have_none_of_the_modalities_get_zeros(shown):
    _, vectors = shown
    found = fitted(vectors)({}, {m: torch.zeros(3) for m in vectors})
    assert found.shape == (3, 4)
    assert not found.any()


def test_where_no_item_has_any_modality_nothing_is_found():
    common = CommonDirections(widths={"a": 3, "b": 4}, directions=2)
    common.fit({}, {}, items=5)
    assert common.fitted
    assert not common({"a": torch.ones(1, 3)}, {"a": torch.ones(1), "b": torch.zeros(1)}).any()


def test_one_item_is_not_enough():
    common = CommonDirections(widths={"a": 3, "b": 4}, directions=2)
    one = torch.zeros(1, dtype=torch.long)
    common.fit({"a": torch.ones(1, 3), "b": torch.ones(1, 4)}, {"a": one, "b": one}, items=1)
    assert not common({"a": torch.ones(1, 3)}, {"a": torch.ones(1), "b": torch.zeros(1)}).any()
