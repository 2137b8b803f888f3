"""A standard U-Net (Ronneberger et al., 2015) of widths 16 to 256, for measuring `fit`; the images are noise."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

SHAPE = (96, 112, 1)
WIDTHS = (16, 32, 64, 128, 256)
CLASSES = 4


def build() -> Any:
    """Returns the model; Keras's global seed decides the weights, and its outputs are logits."""
    inputs = keras.Input(SHAPE)
    x, skipped = inputs, []
    for width in WIDTHS[:-1]:
        x = _double(x, width)
        skipped.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _double(x, WIDTHS[-1])
    for width, same in zip(WIDTHS[-2::-1], reversed(skipped), strict=True):
        x = layers.Conv2DTranspose(width, 2, strides=2)(x)
        x = _double(layers.Concatenate()([x, same]), width)
    return keras.Model(inputs, layers.Conv2D(CLASSES, 1)(x))


def _double(x: Any, width: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def examples(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns images, float32 [count, 96, 112, 1], and a class for each pixel, int32 [count, 96, 112]."""
    generator = np.random.default_rng(0)
    images = generator.standard_normal((count, *SHAPE), np.float32)
    return images, generator.integers(0, CLASSES, (count, *SHAPE[:2]), np.int32)
