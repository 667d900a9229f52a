"""Makes the sound of a product: pitch shows its size, timbre and beat show two traits, the beat's rate its speed."""

import numpy as np

from m5kit.data.demo.picture import SECONDS, beats_per_second
from m5kit.data.demo.products import Product

RATE = 16_000
SOFT = ((1.0, 1.0), (2.0, 0.3), (3.0, 0.1))  # frequency and strength of each partial
STRUCK = ((1.0, 1.0), (2.76, 0.8), (5.4, 0.6), (8.93, 0.4))


def sound(product: Product, generator: np.random.Generator) -> np.ndarray:
    """Waveform ``n`` float32, 1.5 seconds at 16 kHz, mono."""
    time = np.arange(int(RATE * SECONDS)) / RATE
    pitch = 220 * 2 ** (2 * (1 - product.size))
    tone = _timbre(product.traits["timbre"], pitch, time, generator)
    beat = (generator.random() + beats_per_second(product) * time) % 1
    envelope = np.exp(-6 * beat) if product.traits["motion"] else 0.7 + 0.15 * np.sin(2 * np.pi * beat)
    wave = tone * envelope
    wave *= generator.uniform(0.3, 0.8) / abs(wave).max()
    noisy: np.ndarray = wave + generator.normal(0, 1e-4, len(time))
    return noisy.astype(np.float32)


def _timbre(bright: int, pitch: float, time: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A few soft harmonics, or many that are out of tune, as struck metal has."""
    tone = np.zeros(len(time))
    for ratio, weight in STRUCK if bright else SOFT:
        tone += weight * generator.uniform(0.7, 1.3) * np.sin(2 * np.pi * (ratio * pitch * time + generator.random()))
    return tone
