"""What holds for every compact encoder alike."""

from dataclasses import replace

import torch
from torch.testing import assert_close


def first(inputs, count, steps=None):
    values = inputs.values[:count] if steps is None else inputs.values[:count, :steps]
    extras = {k: v[:count] if steps is None else v[:count, :steps] for k, v in inputs.extras.items()}
    return replace(inputs, values=values, lengths=inputs.lengths[:count], extras=extras)


def test_a_summary_token_comes_before_one_token_for_each_observed_one(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    observation = encoder.observe(make_inputs(kind, 2, 6, [6, 3]))
    tokens = encoder.encode(observation)
    assert tokens.values.shape == (2, observation.values.shape[1] + 1, 16)
    assert tokens.lengths.tolist() == (observation.lengths + 1).tolist()


def test_an_item_alone_and_unpadded_gives_the_same_as_in_a_batch(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    inputs = make_inputs(kind, 3, 9, [3, 9, 5])
    together = encoder(inputs)
    steps = {"image_patches": None, "audio_patches": 11}.get(kind, 3)
    alone = encoder(first(inputs, 1, steps))
    length = int(alone.lengths[0])
    assert length == int(together.lengths[0])
    assert_close(alone.values[0, :length], together.values[0, :length], atol=1e-5, rtol=1e-5)


def test_padding_changes_nothing(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    inputs = make_inputs(kind, 2, 6, [6, 2])
    values = inputs.values.clone()
    if kind != "image_patches":
        values[1, int(inputs.lengths[1]) :] = 9
    before, after = encoder(inputs), encoder(replace(inputs, values=values))
    assert_close(before.values[before.mask], after.values[after.mask])


def test_rubbish_in_the_padding_of_an_observation_changes_nothing(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    observation = encoder.observe(make_inputs(kind, 2, 6, [6, 2]))
    values = observation.values.clone()
    values[~observation.mask] = 13
    before, after = encoder.encode(observation), encoder.encode(replace(observation, values=values))
    assert_close(before.values[before.mask], after.values[after.mask])


def test_items_keep_their_order(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    inputs = make_inputs(kind, 3, 6, [6, 2, 4])
    order = torch.tensor([2, 0, 1])
    turned = replace(
        inputs,
        values=inputs.values[order],
        lengths=inputs.lengths[order],
        extras={k: v[order] for k, v in inputs.extras.items()},
    )
    assert_close(encoder(turned).values, encoder(inputs).values[order], atol=1e-5, rtol=1e-5)


def test_every_parameter_gets_a_gradient(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    tokens = encoder(make_inputs(kind, 2, 6, [6, 3]))
    (tokens.values * torch.randn_like(tokens.values)).sum().backward()
    still = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


def test_hiding_a_token_changes_the_others(kind, make_encoder, make_inputs):
    encoder = make_encoder(kind)
    observation = encoder.observe(make_inputs(kind, 1, 6, [6]))
    values = observation.values.clone()
    values[0, 1] = 0 if observation.mask_id is None else observation.mask_id
    before, after = encoder.encode(observation).values, encoder.encode(replace(observation, values=values)).values
    assert (before - after).abs().amax(-1).min() > 0
