"""Draws a product: a photo (form, look, pattern, hue) and the frames of a video (form, look, hue, motion, speed)."""

from colorsys import hsv_to_rgb

import numpy as np
from PIL import Image, ImageDraw

from m5kit.data.demo.products import Product

PHOTO_SIZE = 96
FRAME_SIZE = 64
FRAMES = 12
SECONDS = 1.5


def photo(product: Product, generator: np.random.Generator) -> Image.Image:
    """One photo, 96 pixels wide: angle, distance, light and clutter differ from photo to photo."""
    scale, angle = generator.uniform(0.5, 0.72), generator.uniform(-0.6, 0.6)
    centre = generator.uniform(-0.2, 0.2, 2)
    u, v = _coordinates(PHOTO_SIZE, centre, scale, angle)
    marks = _pattern(product.traits["pattern"], u + generator.random(), v + generator.random())
    colour = np.where(marks[..., None], hsv_to_rgb(product.hue, 0.3, 1.0), hsv_to_rgb(product.hue, 0.8, 0.75))
    canvas = _background(PHOTO_SIZE, generator)
    shade = _cover(product, u - 0.12, v - 0.12, scale * PHOTO_SIZE)[..., None]
    canvas = canvas * (1 - 0.35 * shade)
    cover = _cover(product, u, v, scale * PHOTO_SIZE)[..., None]
    light = 1 + generator.uniform(-0.2, 0.2) * u[..., None] * scale
    return Image.fromarray(_bytes((canvas * (1 - cover) + colour * cover) * light, 0.015, generator))


def video(product: Product, generator: np.random.Generator) -> np.ndarray:
    """Frames ``t h w 3`` uint8 of a plain-coloured product that glides to and fro while it turns, or bounces."""
    colour = np.array(hsv_to_rgb(product.hue, 0.7, 0.8))
    background = _background(FRAME_SIZE, generator)
    phase, scale, angle = generator.random(), generator.uniform(0.34, 0.42), generator.uniform(0, 6.3)
    frames = []
    for time in np.arange(FRAMES) / FRAMES * SECONDS:
        turn = phase + beats_per_second(product) * time
        if product.traits["motion"]:
            centre, tilt = np.array([0.0, 0.45 - 0.95 * abs(np.sin(np.pi * turn))]), angle
        else:
            centre, tilt = np.array([0.5 * np.sin(2 * np.pi * turn), 0.0]), angle + 2 * np.pi * turn
        u, v = _coordinates(FRAME_SIZE, centre, scale, tilt)
        cover = _cover(product, u, v, scale * FRAME_SIZE)[..., None]
        frames.append(_bytes(background * (1 - cover) + colour * cover, 0.01, generator))
    return np.stack(frames)


def beats_per_second(product: Product) -> float:
    """How often the motion, and the sound with it, repeats: 1 to 2.6 times a second."""
    return 1 + 1.6 * product.speed


def _coordinates(size: int, centre: np.ndarray, scale: float, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel lies as the product sees it: 1 is its radius."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid((axis - centre[0]) / scale, (axis - centre[1]) / scale)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _cover(product: Product, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    """How much of each pixel the product covers, 0 to 1."""
    radius = np.hypot(u, v)
    if product.traits["form"]:
        outline = np.maximum(abs(u), abs(v)) - 0.85 if product.look == 0 else _triangle(u, v)
    else:
        outline = radius - 1 if product.look == 0 else abs(radius - 0.72) - 0.3
    cover: np.ndarray = np.clip(0.5 - outline * sharpness / 2, 0, 1)
    return cover


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    sides = [u * np.cos(corner) + v * np.sin(corner) for corner in np.pi * np.array([1 / 2, 7 / 6, 11 / 6])]
    outline: np.ndarray = np.max(sides, axis=0) - 0.6
    return outline


def _pattern(striped: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    wave: np.ndarray = np.sin(11 * u) - 0.2 if striped else np.sin(9 * u) * np.sin(9 * v) - 0.3
    return wave > 0


def _background(size: int, generator: np.random.Generator) -> np.ndarray:
    """A wall in a pale tint, and a few grey boxes on it."""
    tint = generator.uniform(0.75, 0.98, 3)
    canvas = Image.new("RGB", (size, size), tuple(int(255 * part) for part in tint))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(generator.integers(0, 4))):
        x, y = generator.uniform(0, size, 2)
        width, height = generator.uniform(size / 12, size / 4, 2)
        grey = int(generator.integers(120, 230))
        draw.rectangle((x, y, x + width, y + height), fill=(grey, grey, grey))
    return np.asarray(canvas) / 255


def _bytes(canvas: np.ndarray, noise: float, generator: np.random.Generator) -> np.ndarray:
    noisy = canvas + generator.normal(0, noise, canvas.shape)
    return (np.clip(noisy, 0, 1) * 255).round().astype(np.uint8)
