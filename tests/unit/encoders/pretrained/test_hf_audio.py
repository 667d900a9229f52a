"""Sound through networks that hear samples."""

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.structures import Inputs


def sounds(*lengths, chunk=64):
    return Inputs(torch.randn(len(lengths), max(lengths), chunk), torch.tensor(lengths))


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_a_saved_network_hears_what_it_hears_in_its_own_library(kind, build, checkpoint):
    from transformers import AutoModel

    folder, inputs = checkpoint(kind), sounds(3)
    encoder = build("hf_audio", weights=folder, rate=16_000, chunk=64)
    _, tokens = encoder.run(encoder.observe(inputs))
    wave = inputs.values.flatten(1)
    wave = (wave - wave.mean()) / wave.var(correction=0).add(1e-7).sqrt()
    with torch.no_grad():
        seen = AutoModel.from_pretrained(folder).eval()(wave).last_hidden_state
    wanted = torch.nn.functional.adaptive_avg_pool1d(seen.mT, 3).mT
    assert_close(tokens, wanted, atol=1e-5, rtol=1e-4)


def test_padding_and_company_change_nothing(build, config):
    encoder = build("hf_audio", weights=config("wav2vec2"), rate=16_000, chunk=64)
    inputs = sounds(5, 2, 5)
    together = encoder(inputs)
    alone = encoder(Inputs(inputs.values[1:2, :2], torch.tensor([2])))
    assert_close(alone.values[0], together.values[1, :3], atol=1e-5, rtol=1e-4)


def test_training_draws_nothing_of_its_own(build, config):
    encoder = build("hf_audio", weights=config("hubert"), rate=16_000, chunk=64, trainable="all").train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for layer in encoder.backbone.network.encoder.layers:
        layer.attention.dropout = 0.0
    inputs = sounds(4)
    assert_close(encoder(inputs).values, encoder(inputs).values)


def test_another_rate_than_the_checkpoints_is_refused(build, checkpoint):
    from transformers import Wav2Vec2FeatureExtractor

    folder = checkpoint("wav2vec2", Wav2Vec2FeatureExtractor(sampling_rate=16_000))
    with pytest.raises(
        ConfigError, match="takes 16000 samples a second, the data's transform makes 8000; set transform"
    ):
        build("hf_audio", weights=folder, rate=8_000, chunk=64)


@pytest.mark.parametrize(
    ("kind", "chunk", "message"),
    [("wav2vec2", 8, "a stretch of 8 samples is too short"), ("ast", 64, "does not take samples; use hf_spectrogram")],
)
def test_what_does_not_fit_is_refused(build, config, kind, chunk, message):
    with pytest.raises(ConfigError, match=message):
        build("hf_audio", weights=config(kind), rate=16_000, chunk=chunk)
