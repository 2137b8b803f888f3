"""Augmentation: each example in another pose and light in each epoch, a pure function of (seed, epoch, index).

So what an example looks like depends neither on the optimizer nor on the batch it is in, and an
interrupted run resumes with the same images. Draws are Philox's on every device.
"""

import dataclasses
from typing import Any

import numpy as np

Tensor = Any
_PHILOX = "philox"


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How far pose and light may move. Every draw is uniform; 0 changes nothing."""

    rotation: float = 0.0  # degrees to either side, 0 .. 180.
    scale: float = 0.0  # natural logarithm of the magnification, to either side, 0 .. 1.
    shift: float = 0.0  # share of the sides, to either side, 0 .. 0.5.
    # chance that an example is turned, scaled and shifted at all, 0 .. 1. Below 1, since interpolation smooths noise: a
    # network that sees moved images alone does worse on unmoved ones.
    moved: float = 0.3
    mirror: float = 0.0  # chance of exchanging left and right, 0 .. 1; 0 where anatomy has sides.
    gain: float = 0.0  # natural logarithm of the brightness factor, to either side, 0 .. 1.
    gamma: float = 0.0  # natural logarithm of the exponent of intensity, to either side, 0 .. 1.

    def __call__(
        self, images: Tensor, masks: Tensor, seed: int | Tensor, epoch: Tensor, index: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns a batch as it looks in one epoch: float32 grey levels 0 .. 255, and masks of their own dtype.

        Images are interpolated, masks take the nearest pixel; beyond the edge both are mirrored.

        Args:
            images: grey levels 0 .. 255, [n, height, width, channels].
            masks: classes, integers [n, height, width].
            seed: 64-bit seed, such as `seeds.derive(problem, seed, "augment")`, or its `halves` as a tensor.
            epoch: number of the epoch, from 1.
            index: number of each example in its split, [n].
        """
        import tensorflow as tf

        draws = _draws(seed, epoch, index)
        transforms = self._transforms(draws, tf.shape(images)[1:3])
        moved = _move(tf.cast(images, tf.float32), transforms, "BILINEAR")
        labels = _move(tf.cast(masks[..., None], tf.int32), transforms, "NEAREST")[..., 0]
        return self._relight(moved, draws), tf.cast(labels, masks.dtype)

    @property
    def words(self) -> str:
        """The augmentation in words, for a table's notes."""
        moves = {
            "turned by up to {:g} degrees": self.rotation,
            "scaled by a factor up to {:.3g}": np.exp(self.scale) if self.scale else 0,
            "shifted by up to {:.0%} of a side": self.shift,
        }
        light = {
            "mirrored with chance {:g}": self.mirror,
            "brightened by a factor up to {:.3g}": np.exp(self.gain) if self.gain else 0,
            "intensities to a power up to {:.3g}": np.exp(self.gamma) if self.gamma else 0,
        }
        moved, always = ([text.format(reach) for text, reach in some.items() if reach] for some in (moves, light))
        return ", ".join([*([f"with chance {self.moved:g} {', '.join(moved)}"] if moved else []), *always])

    def _transforms(self, draws: Tensor, sides: Tensor) -> Tensor:
        """Returns [n, 8]: where each pixel of the result comes from, about the centre of the image."""
        import tensorflow as tf

        height, width = tf.unstack(tf.cast(sides, tf.float32))
        moved = tf.cast(0.5 * draws[:, 7] + 0.5 < self.moved, tf.float32)
        angle = moved * draws[:, 0] * (self.rotation * np.pi / 180)
        size = tf.exp(-moved * draws[:, 1] * self.scale)
        mirror = tf.where(0.5 * draws[:, 2] + 0.5 < self.mirror, -1.0, 1.0)
        cosine, sine = size * tf.cos(angle), size * tf.sin(angle)
        a, b, c, d = cosine * mirror, -sine, sine * mirror, cosine
        x, y = (width - 1) / 2, (height - 1) / 2
        right = x + moved * draws[:, 3] * self.shift * width
        down = y + moved * draws[:, 4] * self.shift * height
        zero = tf.zeros_like(angle)
        return tf.stack([a, b, x - a * right - b * down, c, d, y - c * right - d * down, zero, zero], axis=1)

    def _relight(self, images: Tensor, draws: Tensor) -> Tensor:
        import tensorflow as tf

        gain, gamma = (
            tf.exp(draws[:, column, None, None, None] * reach) for column, reach in ((5, self.gain), (6, self.gamma))
        )
        return tf.clip_by_value(255 * gain * (images / 255) ** gamma, 0.0, 255.0)


# A template that equals its mirror image gains nothing by mirroring, and a mirrored heart is a rare disease.
# All slices of the one brain come from one scanner, so that its light is left as it is.
BRAIN = Augmentation(rotation=15, scale=0.2, shift=0.05)
HEART = Augmentation(rotation=15, scale=0.15, shift=0.05, gain=0.1, gamma=0.2)


def halves(seed: int) -> tuple[int, int]:
    """Returns a 64-bit seed as two numbers of 32 bits, which int64 holds without a sign."""
    return seed % 2**32, seed // 2**32 % 2**32


def _draws(seed: int | Tensor, epoch: Tensor, index: Tensor) -> Tensor:
    """Returns eight numbers in [-1, 1) for each example, [n, 8], a function of its own index alone."""
    import tensorflow as tf

    random: Any = tf.random  # its stubs are incomplete
    whole = tf.constant(halves(seed), tf.int64) if isinstance(seed, int) else seed
    key = random.fold_in(whole, tf.cast(epoch, tf.int64), alg=_PHILOX)

    def draw(one: Tensor) -> Tensor:
        own = random.fold_in(key, one, alg=_PHILOX)
        return random.stateless_uniform([8], own, -1.0, 1.0, alg=_PHILOX)

    return tf.map_fn(draw, tf.cast(index, tf.int64), fn_output_signature=tf.TensorSpec([8], tf.float32))


def _move(images: Tensor, transforms: Tensor, interpolation: str) -> Tensor:
    import tensorflow as tf

    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="REFLECT",
    )
