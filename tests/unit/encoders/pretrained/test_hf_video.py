"""Clips through transformers' video networks."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError, ContractError

KINDS = ["videomae", "timesformer", "vivit", "vjepa2"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_tube_stands_for_its_own_token(kind, build, config, clips):
    encoder = build("hf_video", weights=config(kind), size=16, frames=4)
    observation = encoder.observe(clips(4))
    before = encoder.run(observation)[1]
    assert before.shape == (*observation.values.shape[:2], 32)
    for place in range(observation.values.shape[1]):
        values = observation.values.clone()
        values[:, place] = 0
        moved = (encoder.run(replace(observation, values=values))[1] - before).norm(dim=-1)
        assert moved.argmax() == place


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_network_sees_what_it_sees_in_its_own_library(kind, build, checkpoint, clips):
    from transformers import AutoModel

    folder, inputs = checkpoint(kind), clips(4)
    encoder = build("hf_video", weights=folder, size=16, frames=4, mean=[0.5] * 3, std=[0.5] * 3)
    summary, _ = encoder.run(encoder.observe(inputs))
    model = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        seen = model(**{model.main_input_name: inputs.values.float() / 127.5 - 1}).last_hidden_state
    wanted = seen[:, 0] if kind in ("timesformer", "vivit") else seen.mean(1)
    assert_close(summary, wanted, atol=1e-5, rtol=1e-4)


def test_a_short_clip_is_stretched(build, config, clips):
    encoder = build("hf_video", weights=config("videomae"), size=16, frames=4)
    short = clips(2)
    stretched = replace(short, values=short.values.repeat_interleave(2, 1), lengths=torch.tensor([4]))
    assert_close(encoder(short).values, encoder(stretched).values)


def test_a_tubes_group_is_its_moment(build, config, clips):
    observation = build("hf_video", weights=config("videomae"), size=16, frames=4).observe(clips(4))
    assert observation.groups.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]


def test_another_number_of_frames_is_refused(build, config, clips):
    with pytest.raises(ConfigError, match="the checkpoint sees 4 frames, the data's transform makes 8"):
        build("hf_video", weights=config("videomae"), size=16, frames=8)
    with pytest.raises(ContractError, match="built for 4 frames of 16 pixels"):
        build("hf_video", weights=config("videomae"), size=16, frames=4).observe(clips(5))
