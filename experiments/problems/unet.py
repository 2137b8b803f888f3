"""The U-Net (Ronneberger, Fischer & Brox, 2015: U-Net: Convolutional networks for biomedical image segmentation).

A path down that halves the sides and sees more of the image, a path up that doubles them again, and
at each level a bridge between the two that keeps the outlines. As in the project that this one
redoes: padded convolutions, batch normalisation and dropout, which the paper does not have.
"""

import itertools
from collections.abc import Sequence
from typing import Any

ORIGINAL = (16, 32, 64, 128, 256)
SMALL = (16, 32, 64)


def unet(
    shape: tuple[int, int, int],
    classes: int,
    widths: Sequence[int] = ORIGINAL,
    *,
    dropout: float = 0.05,
    bias: bool = True,
    momentum: float = 0.99,
    seed: int = 0,
) -> Any:
    """Returns a U-Net that gives one logit a class and pixel, [n, height, width, classes].

    Each block is twice (convolution 3x3, batch normalisation, ReLU), from He's normal law. Down: block,
    maximum over 2x2, dropout (half of it after the first). Up: transposed convolution 3x3 of stride 2,
    the bridge, dropout, block. Last a convolution 1x1. Keras's global seed decides the weights.

    Args:
        shape: height, width and channels of the images, [n, *shape]; both sides divide by 2**(len(widths) - 1).
        classes: number of logits, with the background's; 1 for one structure with a sigmoid.
        widths: filters of each level, from the top to the bottom; one more than the halvings.
        dropout: share of the values that dropout zeroes, 0 <= dropout < 1; 0 makes no dropout layers.
        bias: whether convolutions before a batch normalisation have a bias, which it cancels.
        momentum: of the moving averages of batch normalisation; low where an epoch has few steps.
        seed: of the dropout keys, from 0; each layer draws its own.
    """
    import keras
    from keras import layers

    keys = itertools.count(seed)

    def drop(x: Any, share: float = 1.0) -> Any:
        return layers.Dropout(dropout * share, seed=next(keys) % 2**31)(x) if dropout else x

    def block(x: Any, width: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=bias, kernel_initializer="he_normal")(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
        return x

    inputs = x = keras.Input(shape)
    bridges = []
    for level, width in enumerate(widths[:-1]):
        x = block(x, width)
        bridges.append(x)
        x = drop(layers.MaxPooling2D(2)(x), 0.5 if level == 0 else 1.0)
    x = block(x, widths[-1])
    for width, bridge in zip(reversed(widths[:-1]), reversed(bridges), strict=True):
        x = layers.Conv2DTranspose(width, 3, strides=2, padding="same")(x)
        x = block(drop(layers.Concatenate()([x, bridge])), width)
    return keras.Model(inputs, layers.Conv2D(classes, 1)(x), name="unet")
