"""Sound through networks that see spectrograms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from m5kit.data.decode.sound import Sound
from m5kit.data.transforms.hf_spectrogram import HFSpectrogramTransform
from m5kit.errors import ConfigError
from m5kit.structures import Inputs

SIZES = {"ast": (16, 64), "whisper": (8, 40), "clap": (16, 101)}


def hears(kind):
    """The feature extractor that belongs to a tiny network."""
    from transformers import ASTFeatureExtractor, ClapFeatureExtractor, WhisperFeatureExtractor

    if kind == "ast":
        return ASTFeatureExtractor(num_mel_bins=16, max_length=64)
    if kind == "whisper":
        return WhisperFeatureExtractor(feature_size=8, chunk_length=1, hop_length=400, n_fft=400)
    return ClapFeatureExtractor(
        feature_size=16, sampling_rate=16_000, hop_length=160, fft_window_size=400, max_length_s=1, frequency_max=8_000
    )


def tone(seconds, rate=16_000, pitch=440):
    return Sound(np.sin(np.arange(int(seconds * rate), dtype=np.float32) * (2 * np.pi * pitch / rate)), rate)


@pytest.mark.parametrize("kind", SIZES)
def test_a_saved_network_hears_what_it_hears_in_its_own_library(kind, build, checkpoint):
    from transformers import AutoModel

    folder, extractor, sound = checkpoint(kind, hears(kind)), hears(kind), tone(0.5)
    transform = HFSpectrogramTransform(weights=folder)
    facts = {k: v for k, v in transform.provides().items() if k != "rate"}
    assert (facts["mels"], facts["steps"]) == SIZES[kind]
    encoder = build("hf_spectrogram", weights=folder, patch=4, **facts)
    summary, tokens = encoder.run(encoder.observe(Inputs.stack([transform(sound)])))

    model = AutoModel.from_pretrained(folder).eval()
    given = extractor(sound.waveform, sampling_rate=16_000, return_tensors="pt")
    if kind == "clap":
        given["is_longer"] = torch.zeros(1, 1, dtype=torch.bool)
    with torch.no_grad():
        if kind == "whisper":
            wanted = model.encoder(given.input_features).last_hidden_state
            aligned = torch.nn.functional.adaptive_avg_pool1d(wanted.mT, 10).mT
            assert_close(tokens, aligned[:, : tokens.shape[1]], atol=0.02, rtol=0)  # its last step hears past the end
            assert tokens.shape[1] == 5  # half a second of the window of one
        else:
            wanted = getattr(model, "audio_model", model)(**given).pooler_output
            assert_close(summary, wanted, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", SIZES)
def test_each_stretch_moves_its_own_token_most(kind, build, config):
    mels, steps = SIZES[kind]
    encoder = build("hf_spectrogram", weights=config(kind), mels=mels, steps=steps, patch=steps // 4)
    observation = encoder.observe(Inputs(torch.randn(1, steps, mels), torch.tensor([steps])))
    before = encoder.run(observation)[1]
    values = observation.values.clone()
    values[:, 1] += 3
    moved = (encoder.run(replace(observation, values=values))[1] - before).norm(dim=-1)[0]
    assert moved.argmax() == 1


def test_other_sizes_or_another_extractor_are_refused(build, checkpoint):
    folder = checkpoint("ast", hears("ast"))
    with pytest.raises(ConfigError) as caught:
        build("hf_spectrogram", weights=folder, mels=64, steps=64)
    assert caught.value.problems == (
        "hf_spectrogram: the network sees 16 mels, the data's transform makes 64; use the transform hf_spectrogram "
        "with the same weights",
        "hf_spectrogram: the checkpoint was trained on spectrograms that its own feature extractor makes; use the "
        "transform hf_spectrogram with the same weights",
    )


def test_networks_that_hear_samples_are_refused(build, config):
    with pytest.raises(ConfigError, match="'hubert' is none of audio-spectrogram-transformer, whisper"):
        build("hf_spectrogram", weights=config("hubert"), mels=8, steps=8)


def test_a_longer_sound_is_cut_at_random_in_training_and_at_the_beginning_otherwise(checkpoint):
    transform = HFSpectrogramTransform(weights=checkpoint("whisper", hears("whisper")))
    sound = Sound(np.random.default_rng(0).normal(size=48_000).astype(np.float32), 16_000)
    start = transform(Sound(sound.waveform[:16_000], 16_000)).values
    assert torch.equal(transform(sound).values, start)
    assert not torch.equal(transform(sound, np.random.default_rng(1)).values, start)


def test_a_checkpoint_without_an_extractor_is_refused(checkpoint):
    with pytest.raises(ConfigError, match=r"hf_spectrogram: .* has no preprocessor_config.json"):
        HFSpectrogramTransform(weights=checkpoint("whisper"))


@pytest.mark.parametrize("kind", SIZES)
def test_a_very_short_sound_still_makes_a_step(kind, checkpoint):
    transform = HFSpectrogramTransform(weights=checkpoint(kind, hears(kind)))
    values = transform(Sound(np.ones(5, np.float32), 16_000)).values
    assert values.shape[1] == SIZES[kind][0]
    assert len(values) >= 1
    assert torch.isfinite(values).all()
