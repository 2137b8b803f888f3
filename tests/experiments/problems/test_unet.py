"""The U-Net is the declared one, learns in every part, and says which sides it takes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems.unet import SMALL, unet


def trainable(model):
    """Number of trainable parameters."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def test_the_original_has_its_known_number_of_parameters():
    """2,164,305, of which 2,161,361 are trained: 16-32-64-128-256 for one structure in 320 x 320."""
    model = unet((320, 320, 1), 1)
    assert (model.count_params(), trainable(model)) == (2_164_305, 2_161_361)


def test_the_small_one_has_its_known_number_of_parameters():
    """130,547: 16-32-64 for three classes, no bias before a batch normalisation."""
    model = unet((112, 96, 1), 3, SMALL, dropout=0, bias=False)
    assert model.count_params() == 130_547


@pytest.mark.parametrize("widths", [(4,), (4, 8), (4, 8, 8, 16)])
@pytest.mark.parametrize("sides", [(8, 8), (24, 16)])
def test_logits_have_the_sides_of_the_image(widths, sides):
    """At any depth whose halvings the sides take."""
    model = unet((*sides, 2), 3, widths)
    assert model.output_shape == (None, *sides, 3)
    assert model(tf.zeros((2, *sides, 2))).shape == (2, *sides, 3)
    assert model.layers[-1].activation is keras.activations.linear


def test_a_gradient_reaches_every_variable():
    """In no part is the way cut: each variable's gradient exists and is not zero."""
    keras.utils.set_random_seed(0)
    model = unet((16, 16, 1), 2, (4, 8, 8), bias=False)
    images = tf.constant(np.random.default_rng(0).normal(size=(4, 16, 16, 1)), tf.float32)
    labels = tf.cast(images[..., 0] > 0, tf.int32)
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert [v.path for v, g in zip(model.trainable_variables, gradients, strict=True) if not np.any(g)] == []


def test_dropout_is_half_after_the_first_level_and_each_layer_draws_its_own():
    """Rates as the original's; one seed for all layers would give masks that hang together."""
    layers = [layer for layer in unet((32, 32, 1), 1, seed=7).layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in layers] == [0.025] + 7 * [0.05]
    assert len({layer.seed for layer in layers}) == 8
    plain = unet((32, 32, 1), 1, dropout=0)
    assert not [layer for layer in plain.layers if isinstance(layer, keras.layers.Dropout)]


def test_keras_seed_decides_the_weights():
    """The same seed gives the same weights, another one others."""

    def weights(seed):
        keras.utils.set_random_seed(seed)
        return unet((8, 8, 1), 2, (4, 8)).get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(weights(0), weights(0), strict=True))
    assert not np.array_equal(weights(0)[0], weights(1)[0])


def test_convolutions_start_from_hes_normal_law():
    """Variance 2 over the inputs of a filter; the law is cut at two deviations and corrected for it."""
    keras.utils.set_random_seed(0)
    kernel = next(w for w in unet((16, 16, 1), 1, (64, 128)).get_weights() if w.shape == (3, 3, 64, 128))
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.02)  # 73,728 draws leave 0.3 %
