"""Public vectors: what is read off the tokens, beside what is known of the raw input, each of unit length."""

import pytest
import torch

from m5kit.models.vectors import PublicVectors
from m5kit.registry import DESCRIPTORS, ENCODERS, READOUTS
from m5kit.structures import Inputs, Observation, Tokens


@pytest.fixture
def vectors():
    encoder = ENCODERS.build({"type": "image_patches"}, dim=8, size=16, patch=8, layers=1, heads=2, width=8)
    pixels = DESCRIPTORS.build({"type": "pixels", "cells": 2, "patches": 1})
    return PublicVectors(
        encoders={"image": encoder, "other": encoder},
        readouts={"image": READOUTS.build({"type": "moments"}, dim=8)},
        descriptors={"image": pixels},
    )


def _tokens(lengths):
    return Tokens(torch.randn(len(lengths), 5, 8, generator=torch.Generator().manual_seed(0)), torch.tensor(lengths))


def test_both_halves_have_unit_length(vectors):
    pictures = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    described = vectors.descriptors["image"](Inputs(pictures, torch.ones(2, dtype=torch.int64)))
    found = vectors("image", _tokens([5, 0, 5]), described, torch.tensor([0, 2]))
    read, beside = found.split((16, vectors.widths["image"] - 16), dim=1)
    assert read.norm(dim=1).tolist() == pytest.approx([1, 0, 1])
    assert beside.norm(dim=1).tolist() == pytest.approx([1, 0, 1])


def test_the_summary_is_read_where_nothing_else_is_named(vectors):
    tokens = _tokens([5, 5])
    found = vectors("other", tokens, None, torch.arange(2))
    torch.testing.assert_close(found, torch.nn.functional.normalize(tokens.summary, dim=1))


def test_only_what_has_a_descriptor_is_described(vectors):
    seen = Observation(torch.zeros(1, 4, 3), torch.tensor([4]))
    picture = Inputs(torch.zeros(1, 3, 16, 16, dtype=torch.uint8), torch.ones(1, dtype=torch.int64))
    assert vectors.describe("other", seen, picture) is seen
    assert vectors.describe("image", seen, picture).described.shape == (1, vectors.descriptors["image"].width)


def test_common_directions_need_two_modalities_that_are_described(vectors):
    assert vectors.common is None
    encoder = ENCODERS.build({"type": "image_patches"}, dim=8, size=16, patch=8, layers=1, heads=2, width=8)
    described = {m: DESCRIPTORS.build({"type": "pixels", "cells": 2, "patches": 1}) for m in ("image", "other")}
    both = {"encoders": {"image": encoder, "other": encoder}, "readouts": {}}
    assert PublicVectors(**both, descriptors=described, common=3).common.width == 3
    assert PublicVectors(**both, descriptors={"image": described["image"]}, common=3).common is None


def test_the_statistics_are_the_last_columns(vectors):
    width = vectors.descriptors["image"].width
    found = torch.randn(2, vectors.widths["image"])
    assert torch.equal(vectors.described("image", found), found[:, -width:])
    assert vectors.described("other", torch.randn(2, 8)).shape == (2, 0)
