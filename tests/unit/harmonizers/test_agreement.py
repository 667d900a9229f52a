import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.harmonizers.agreement import AgreementHarmonizer

ALL = torch.ones(2, 2, dtype=torch.bool)


def by_hand():
    """Cosines within an item 1 and .8, between items .6 and 0: own .9, other .3, deviation .3, d' 2."""
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    second = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    return torch.stack([first, second], dim=1)


def made(count=64, noise=1, width=16, common=0.0, seed=0):
    """Three modalities of one content each, and ``noise`` that tell nothing; all share a common component."""
    generator = torch.Generator().manual_seed(seed)
    content = torch.randn(count, 1, width, generator=generator)
    related = content + 0.5 * torch.randn(count, 3, width, generator=generator)
    unrelated = torch.randn(count, noise, width, generator=generator)
    return torch.cat([related, unrelated], dim=1) + common * torch.ones(width)


def learned(features, present=None, batches=20, **arguments):
    harmonizer = AgreementHarmonizer(modalities=tuple("abcdefgh"[: features.shape[1]]), **arguments)
    present = torch.ones(features.shape[:2], dtype=torch.bool) if present is None else present
    for _ in range(batches):
        harmonizer.observe(features, present)
    return harmonizer.eval()


def test_the_statistics_are_those_computed_by_hand():
    harmonizer = learned(by_hand(), batches=1)
    assert_close(harmonizer.own[0, 1], torch.tensor(0.9))
    assert_close(harmonizer.other[0, 1], torch.tensor(0.3))
    assert_close(harmonizer.deviation[0, 1], torch.tensor(0.3))
    # one pair is its own best: whatever its strength, it weighs 1
    assert_close(harmonizer.pair_weights(), torch.ones(2, 2))


def test_under_autocast_the_statistics_keep_their_precision():
    with torch.autocast("cpu", torch.bfloat16):
        harmonizer = learned(by_hand(), batches=1)
    assert_close(harmonizer.own[0, 1], torch.tensor(0.9))
    assert_close(harmonizer.deviation[0, 1], torch.tensor(0.3))


def test_pairs_weigh_by_strength_above_the_floor():
    harmonizer = learned(torch.zeros(2, 3, 4), batches=0, floor=0.2, half=0.5)
    harmonizer.own.copy_(torch.tensor([[0, 0.9, 0.35], [0.9, 0, 0.3], [0.35, 0.3, 0]]))
    harmonizer.other.fill_(0.3)
    harmonizer.deviation.fill_(0.1)
    weights = harmonizer.pair_weights()
    # d' 6, .5 and 0; strengths 12/13, 1/2 and 0; relative to the best 1, 13/24 and 0
    assert_close(weights[0], torch.tensor([1.0, 1.0, 0.2 + 0.8 * 13 / 24]))
    assert_close(weights[1, 2], torch.tensor(0.2))


def test_before_anything_is_known_all_count_alike():
    harmony = learned(by_hand(), batches=0)(by_hand(), ALL)
    assert_close(harmony.pairs, torch.ones(2, 2, 2))
    assert_close(harmony.tasks, torch.ones(2, 2))
    assert_close(harmony.modalities, torch.full((2, 2), 0.5))


def test_pure_noise_falls_to_the_floor_and_what_agrees_does_not():
    features = made()
    harmony = learned(features, floor=0.1)(features, torch.ones(64, 4, dtype=torch.bool))
    assert harmony.modalities[:, 3].mean() < 0.01
    assert harmony.modalities[:, :3].mean() > 0.3
    assert (harmony.tasks[0, :3] > 0.9).all()
    assert harmony.tasks[0, 3] < 0.2


def test_a_common_component_hides_nothing():
    """Cosines of different items are .8 here; a harmonizer that reads cosines as they are sees agreement everywhere."""
    features = made(common=2.0)
    harmony = learned(features)(features, torch.ones(64, 4, dtype=torch.bool))
    assert harmony.modalities[:, 3].mean() < 0.01


def test_a_weak_modality_is_not_starved():
    features = made(noise=0)
    features[:, 2] += 2.0 * torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
    weights = learned(features).pair_weights()
    assert weights[0, 1] == 1
    assert weights[0, 2] > 0.5


def test_trust_falls_steeply_for_noise_alone():
    harmonizer = learned(torch.zeros(2, 3, 4), batches=0)
    present = torch.tensor([[True, True, True], [False, True, True], [False, False, True]])
    assert_close(harmonizer.confidence(present), present.float())  # nothing is known yet
    harmonizer.other.fill_(0.0)
    harmonizer.deviation.fill_(0.1)
    harmonizer.own.copy_(torch.tensor([[0, 0.2, 0.1], [0.2, 0, 0.03], [0.1, 0.03, 0]]))
    # d' 2, 2 and at best 1, half of the best: 1 / (1 + .6^4) of what the best have, 1 / (1 + .3^4)
    half = (1 + 0.3**4) / (1 + 0.6**4)
    assert_close(harmonizer.confidence(present), torch.tensor([[1, 1, half], [0, 1, half], [0, 0, half]]))
    harmonizer.own[2, :2] = harmonizer.own[:2, 2] = 0.0
    assert_close(harmonizer.confidence(present)[0], torch.tensor([1.0, 1.0, 0.01]))


def test_another_items_modality_loses_its_share():
    features = made(noise=0)
    harmonizer, present = learned(features, per_item=True), torch.ones(64, 3, dtype=torch.bool)
    swapped = features.clone()
    swapped[:, 2] = features[:, 2].roll(1, dims=0)
    own, other = harmonizer(features, present).modalities[:, 2], harmonizer(swapped, present).modalities[:, 2]
    assert other.mean() < 0.4 * own.mean()
    assert_close(learned(features)(swapped, present).modalities, torch.full((64, 3), 1 / 3), atol=0.01, rtol=0)


def test_statistics_are_of_items_that_have_both():
    features = made(noise=0)
    present = torch.ones(64, 3, dtype=torch.bool)
    present[32:, 2] = False
    rubbish = torch.where(present[..., None], features, 1e3)
    kept, dirty = learned(features, present), learned(rubbish, present)
    assert_close(kept.own, dirty.own)
    assert_close(kept.other, dirty.other)


def test_nobody_or_one_item_says_nothing():
    for present in (torch.zeros(2, 2, dtype=torch.bool), torch.tensor([[True, True], [False, False]])):
        harmonizer = learned(by_hand(), present)
        assert not harmonizer.counted[0, 1]
        assert harmonizer(by_hand(), present).modalities.isfinite().all()


def test_one_modality_has_all_of_the_share():
    harmony = learned(by_hand()[:, :1])(by_hand()[:, :1], torch.ones(2, 1, dtype=torch.bool))
    assert_close(harmony.modalities, torch.ones(2, 1))
    assert_close(harmony.tasks, torch.ones(2, 1))


def test_a_floor_of_zero_is_refused():
    with pytest.raises(ConfigError, match="expected floor and momentum above 0 and at most 1"):
        AgreementHarmonizer(modalities=("a", "b"), floor=0.0)


def test_embedding_between_two_steps_sees_what_the_second_one_taught():
    harmonizer = learned(made())
    present = torch.ones(2, 4, dtype=torch.bool)
    with torch.inference_mode():
        before = harmonizer.confidence(present)
        assert torch.equal(harmonizer.confidence(present), before)
    for _ in range(20):
        harmonizer.observe(made(noise=1, seed=5).flip(1), torch.ones(64, 4, dtype=torch.bool))
    after = harmonizer.confidence(present)
    with torch.inference_mode():
        assert torch.equal(harmonizer.confidence(present), after)
    assert not torch.equal(after, before)
