"""Models train in `fit` by the gradients that their optimizer asks for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import values_of
from tests.library.reference.sam import gradients_nearby
from tfoptim.training import Loss, Trainer, trainable

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")
WEIGHTS = np.linspace(0.5, 2.0, 12).astype("float32")


def layers():
    """A linear layer with known weights."""
    start = keras.initializers.Constant([[0.3], [0.1], [-0.2]])
    return keras.layers.Dense(1, kernel_initializer=start, name="linear")


def functional():
    """As a functional model."""
    inputs = keras.Input((3,))
    return trainable(keras.Model(inputs, layers()(inputs)))


def sequential():
    """As a Sequential model."""
    return trainable(keras.Sequential([keras.Input((3,)), layers()]))


class Net(Trainer, keras.Model):
    """As a class without `training` in its `call`, and with a loss of its own signature."""

    def __init__(self):
        super().__init__()
        self.linear = layers()

    def call(self, x):
        """The linear layer."""
        return self.linear(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        """Keras's."""
        return super().compute_loss(x, y, y_pred, sample_weight)


class Own(keras.Model):
    """With a `train_step` of its own, which asks the optimizer."""

    def __init__(self):
        super().__init__()
        self.linear = layers()

    def call(self, x):
        """The linear layer."""
        return self.linear(x)

    def train_step(self, data):
        """As in `Trainer`, without metrics."""
        loss = Loss(self, *keras.utils.unpack_x_y_sample_weight(data))
        variables = self.trainable_variables
        self.optimizer.apply(self.optimizer.gradients(loss, variables), variables)
        return {"loss": loss.value}


def fitted(model, optimizer, epochs=2, **settings):
    """The model and its history, after training on the whole of the data in each step."""
    model.compile(optimizer, "mse", **settings)
    history = model.fit(X, Y, 12, epochs, verbose=0, sample_weight=WEIGHTS, shuffle=False).history
    return model, history


def linear_loop(steps, rate=0.1, rho=0.2, adaptive=False):
    """Kernel and bias after SAM on the weighted squared error, and the losses before each step."""
    x, y, c = (a.astype("float64") for a in (X, Y, WEIGHTS[:, None]))
    weights, losses = [np.array([[0.3], [0.1], [-0.2]]), np.zeros(1)], []

    def gradients_at(weights):
        error = 2 * c * (x @ weights[0] + weights[1] - y) / len(x)
        return [x.T @ error, error.sum(axis=0)]

    for _ in range(steps):
        losses.append(np.mean(c * (x @ weights[0] + weights[1] - y) ** 2))
        nearby = gradients_nearby(weights, gradients_at, rho, adaptive)
        weights = [w - rate * g for w, g in zip(weights, nearby, strict=True)]
    return weights, losses


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (functional, {"run_eagerly": True}),
        (sequential, {}),
        (Net, {"run_eagerly": True}),
        (Own, {"run_eagerly": True}),
        pytest.param(functional, {"jit_compile": True}, marks=pytest.mark.slow),
        (functional, {"steps_per_execution": 2}),
    ],
)
def test_fit_is_the_loop_of_the_paper(make, settings):
    """Weights and reported losses, with sample weights; the loss reported is that of the first pass."""
    epochs = settings.get("steps_per_execution", 1)
    model = make()
    model.compile(tfoptim.SAM(tfoptim.SGD(0.1), rho=0.2, adaptive=True), "mse", **settings)
    data = tf.data.Dataset.from_tensors((X, Y, WEIGHTS)).repeat(2 if epochs > 1 else 1)
    history = model.fit(data, epochs=2 // epochs, verbose=0, shuffle=False).history
    weights, losses = linear_loop(2, adaptive=True)
    for v, w in zip(model.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(v.numpy(), w, rtol=0, atol=2e-6)  # float32
    if make is not Own:  # Keras shows its own tracker's loss, which a train_step of your own may leave out
        np.testing.assert_allclose(history["loss"], losses if epochs == 1 else [np.mean(losses)], rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: tfoptim.Adam(0.1), lambda: keras.optimizers.Adam(0.1)])
def test_with_any_other_optimizer_it_trains_as_without(make):
    """Weights, losses and metrics have the same bits as with Keras's own training step."""

    def history(wrap):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((3,), name="x")
        x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(keras.layers.Dense(4)(inputs)))
        out = keras.layers.Dense(1, kernel_regularizer="l2", activity_regularizer="l1")(x)
        model = wrap(keras.Model({"x": inputs}, {"a": out, "b": keras.layers.Dense(1)(x)}))
        model.compile(make(), {"a": "mse", "b": "mae"}, metrics={"a": "mae"}, run_eagerly=True)
        return [model.train_on_batch({"x": X}, {"a": Y, "b": -Y}) for _ in range(2)], model.get_weights()

    (expected, weights), (found, again) = history(lambda model: model), history(trainable)
    assert expected == found
    for w, v in zip(weights, again, strict=True):
        np.testing.assert_array_equal(v, w)


def test_weights_are_shared_with_the_model_it_was_made_of():
    """Training one trains both; names and inputs are the same, and a clone trains as well."""
    model = keras.Sequential([keras.Input((3,)), layers()], name="mine")
    wrapped = trainable(model)
    wrapped.compile(tfoptim.SAM(tfoptim.SGD(0.1)), "mse", run_eagerly=True)
    wrapped.train_on_batch(X, Y)
    assert wrapped.name == "mine"
    np.testing.assert_array_equal(model(X), wrapped(X))
    clone = keras.models.clone_model(wrapped)
    clone.compile(tfoptim.SAM(tfoptim.SGD(0.1)), "mse", run_eagerly=True)
    assert clone.train_on_batch(X, Y) > 0
    assert clone.layers[-1].kernel is not wrapped.layers[-1].kernel


# What the second pass leaves


class Noticing(keras.layers.Layer):
    """Adds its own penalty, and notes what it is given."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, x):
        """The input."""
        self.seen.append(x)
        self.add_loss(0.1 * keras.ops.sum(x))
        return x


def noticed(rho):
    """A model with Dropout, BatchNorm and a penalty, after one step, and what it saw."""
    keras.utils.set_random_seed(0)
    notice = Noticing()
    stack = [keras.Input((3,)), keras.layers.Dropout(0.5, seed=1), notice, keras.layers.BatchNormalization(), layers()]
    model = trainable(keras.Sequential(stack))
    model.compile(tfoptim.SAM(tfoptim.SGD(0.1), rho), "mse", metrics=["mae"], run_eagerly=True)
    notice.seen.clear()
    logs = model.train_on_batch(X, Y, return_dict=True)
    return model, notice.seen, logs  # eager tensors


def test_both_passes_draw_the_same_and_only_the_first_leaves_a_trace():
    """Dropout masks are equal; statistics, seeds and metrics are those of a step without SAM."""
    model, (first, second), logs = noticed(rho=0.5)
    np.testing.assert_array_equal(first, second)
    assert np.any(first.numpy() == 0)
    plain, _, expected = noticed(rho=0)
    assert logs == expected
    for v, w in zip(model.non_trainable_variables, plain.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())
    assert np.any(model.get_layer("linear").kernel.numpy() != plain.get_layer("linear").kernel.numpy())


def test_the_next_step_draws_others():
    """The seed moves on once a step."""
    model, seen, _ = noticed(rho=0.5)
    model.train_on_batch(X, Y)
    assert np.any(seen[0].numpy() != seen[2].numpy())
    np.testing.assert_array_equal(seen[2], seen[3])


def test_a_loop_of_your_own_has_the_same_promises():
    """With `Loss`, all of them; with a plain function, all but the same random numbers."""
    layer = keras.layers.BatchNormalization(momentum=0.0)
    model = keras.Sequential([keras.Input((3,)), layer, layers()])
    model.compile(loss="mse")
    metric = keras.metrics.Sum()

    def loss():
        metric.update_state(1.0)
        return tf.reduce_mean(tf.square(model(X, training=True) - Y))

    optimizer = tfoptim.SAM(tfoptim.SGD(0.1), rho=0.5)
    for function in (loss, Loss(model, X, Y)):
        layer.moving_mean.assign(np.ones(3))
        optimizer.apply(optimizer.gradients(function, model.trainable_variables), model.trainable_variables)
        np.testing.assert_allclose(layer.moving_mean.numpy(), X.mean(axis=0), rtol=0, atol=1e-6)
    assert metric.result() == 1


def test_penalties_count_in_the_second_pass():
    """Weight and activity regularisers are part of the loss there too."""
    (w,) = X[:1, :1] * 0 + 1  # one sample of one 1
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2")
    dense.activity_regularizer = keras.regularizers.L2(1.0)
    model = trainable(keras.Sequential([keras.Input((1,)), dense]))
    model.compile(tfoptim.SAM(tfoptim.SGD(1.0), rho=0.5), "mse", run_eagerly=True)
    model.train_on_batch(w[None], np.zeros((1, 1), "float32"))
    # loss w^2 (1 + 0.01 + 1): its gradient at 1 is positive, so the second is at 1.5
    np.testing.assert_allclose(dense.kernel.numpy(), [[1 - 2 * 2.01 * 1.5]], rtol=1e-6)


def test_frozen_variables_stay_and_take_no_part():
    """A frozen layer is not moved, also if it was frozen after the optimizer was built."""
    model = trainable(keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="frozen"), layers()]))
    optimizer = tfoptim.SAM(tfoptim.Adam(0.1))
    optimizer.build(model.trainable_variables)
    model.get_layer("frozen").trainable = False
    before = values_of(model.get_layer("frozen").weights)
    model.compile(optimizer, "mse", run_eagerly=True)
    model.train_on_batch(X, Y)
    for w, v in zip(before, values_of(model.get_layer("frozen").weights), strict=True):
        np.testing.assert_array_equal(v, w)


def test_a_model_without_trainable_weights_warns_as_in_keras():
    """It still reports its loss."""
    model = trainable(keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5)]))
    model.compile(tfoptim.SAM(tfoptim.SGD()), "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        assert model.train_on_batch(X, X) > 0


# Refusals


def test_a_plain_model_is_refused_with_the_way_out():
    """Never silently the optimizer without SAM; the same under the loss scale that Keras adds."""
    for dtype in ("float32", "mixed_float16"):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.dtype_policy = keras.DTypePolicy(dtype)
        model.compile(tfoptim.SAM(tfoptim.SGD()), "mse")
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (dtype == "mixed_float16")
        with pytest.raises(RuntimeError, match=r"SAM needs the loss.*tfoptim.training.trainable\(model\)"):
            model.fit(X, Y, verbose=0)


def test_a_train_step_that_does_not_ask_is_refused():
    """Though the class has the mixin."""

    class Silent(Net):
        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self(data[0]))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Silent()
    model.compile(tfoptim.SAM(tfoptim.SGD()), "mse", run_eagerly=True)
    with pytest.raises(RuntimeError, match="In a loop or a train_step of your own"):
        model.train_on_batch(X, Y)


def test_models_that_cannot_be_made_again_are_refused():
    """Classes can derive from the mixin; a model without inputs can be given some; the order of bases matters."""
    with pytest.raises(TypeError, match=r"got Own. Write class Own\(tfoptim.training.Trainer, keras.Model\)"):
        trainable(Own())
    with pytest.raises(ValueError, match=r"has no inputs yet: add a keras\.Input"):
        trainable(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(TypeError, match="write Trainer first"):
        type("Late", (keras.Model, Trainer), {})
    model = Net()
    assert trainable(model) is model


# Precision, replicas, files


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_follows_float32(policy):
    """Under the loss scale of Keras, added by `compile`, too; weights are not left at their perturbed values."""

    def trained(policy):
        hidden = keras.layers.Dense(8, "tanh", dtype=policy)
        model = trainable(keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, dtype=policy)]))
        generator = np.random.default_rng(0)
        model.set_weights([generator.normal(size=v.shape) / 2 for v in model.weights])
        model.dtype_policy = keras.DTypePolicy(policy)
        model.compile(tfoptim.SAM(tfoptim.SGD(0.05), rho=0.1), "mse", run_eagerly=True)
        model.optimizer.initial_scale = 2.0**8  # or the first steps would be skipped
        losses = [float(model.train_on_batch(X, Y)) for _ in range(6)]
        return model, losses[-1]

    (model, found), (_, expected) = trained(policy), trained("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    assert found == pytest.approx(expected, rel=0.03)  # 8 bits of bfloat16 are 0.4 %, over six steps


ROWS = np.array([[0, 1], [1, 1], [2, 4], [4, 0], [1, 5], [2, 2], [5, 1], [0, 4]], "int32")
TABLE = np.random.default_rng(1).normal(size=(7, 2)).astype("float32")


def looked_up(strategy, adaptive):
    """An embedding and a dense weight after four steps on ROWS, a part of them on each replica."""
    with strategy.scope():
        variables = table, w = [keras.Variable(TABLE), keras.Variable([0.5, -1.0])]
        optimizer = tfoptim.SAM(tfoptim.SGD(0.05), rho=0.3, adaptive=adaptive)
        optimizer.build(variables)
    size = len(ROWS) // strategy.num_replicas_in_sync

    def in_replica():
        first = size * tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = tf.constant(ROWS)[first : first + size]
        loss = lambda: tf.reduce_sum((tf.gather(table.value, rows) * w.value) ** 2) / len(ROWS)  # noqa: E731
        optimizer.apply(optimizer.gradients(loss, variables), variables)

    step = tf.function(lambda: strategy.run(in_replica))
    for _ in range(4):
        step()
    return variables


@pytest.mark.parametrize("adaptive", [False, True])
def test_replicas_stay_mirrored_and_train_as_one_device(adaptive, two_replicas):
    """The first gradients, dense and sparse, are summed before the norm: one perturbation, of the joint batch."""
    expected = looked_up(tf.distribute.OneDeviceStrategy("CPU:0"), adaptive)
    for v, w in zip(looked_up(two_replicas, adaptive), expected, strict=True):
        first, second = on_each(two_replicas, v)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, w.numpy(), rtol=0, atol=2e-6)  # float32, sums in another order
        assert np.any(first[0] != (TABLE if first.ndim == 2 else [0.5])[0])
    np.testing.assert_array_equal(on_each(two_replicas, expected[0])[0][[3, 6]], TABLE[[3, 6]])  # never looked up


@pytest.mark.slow
def test_fit_on_replicas_is_fit_on_one_device(two_replicas):
    """Keras divides the loss by the number of replicas; statistics of BatchNorm are its own matter."""
    alone, expected = fitted(sequential(), tfoptim.SAM(tfoptim.SGD(0.1), rho=0.2), epochs=3)
    with two_replicas.scope():
        model, found = fitted(sequential(), tfoptim.SAM(tfoptim.SGD(0.1), rho=0.2), epochs=3)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
    for v, w in zip(model.trainable_variables, alone.trainable_variables, strict=True):
        first, second = on_each(two_replicas, v)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, w.numpy(), rtol=0, atol=2e-6)  # float32, sums in another order


@pytest.mark.slow
def test_replicas_under_the_loss_scale_of_keras(two_replicas):
    """Keras calls `apply` in threads of its own; SAM knows the replica all the same."""
    with two_replicas.scope():
        hidden = keras.layers.Dense(4, "tanh", dtype="mixed_float16")
        model = trainable(keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, dtype="float32")]))
        model.dtype_policy = keras.DTypePolicy("mixed_float16")
        model.compile(tfoptim.SAM(tfoptim.SGD(0.05)), "mse")
    losses = model.fit(X, Y, 12, 3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    for v in model.trainable_variables:
        np.testing.assert_array_equal(*on_each(two_replicas, v))


def test_a_saved_model_goes_on_to_the_last_bit(tmp_path):
    """The file has the class, SAM, and the state of the optimizer; `fit` works after loading."""

    def fit(model, epochs):
        model.fit(X, Y, 12, epochs, verbose=0)
        return model

    def made():
        keras.utils.set_random_seed(0)
        model = sequential()
        model.compile(tfoptim.SAM(tfoptim.Adam(0.1, name="adam"), rho=0.2), "mse")
        return model

    expected = fit(made(), 3)
    path = tmp_path / "model.keras"
    fit(made(), 2).save(path)
    found = fit(keras.models.load_model(path), 1)
    assert isinstance(found, Trainer)
    assert found.optimizer.get_config() == expected.optimizer.get_config()
    for v, w in zip(found.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_an_interrupted_training_resumes_to_the_last_bit(tmp_path):
    """Numbers that were assigned, the radius among them, come back."""

    def widen(optimizer, epoch):
        if epoch == 0:
            optimizer.sam_rho = 0.5

    def program(folder, epochs):
        model = sequential()
        model.compile(tfoptim.SAM(tfoptim.Adam(0.1), rho=0.2), "mse")
        resume = tfoptim.callbacks.Resume(folder)
        data = resume.data(lambda epoch: tf.data.Dataset.from_tensors((X, Y)))
        assign = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: widen(model.optimizer, epoch))
        callbacks = [assign, resume]
        model.fit(data, epochs=epochs, initial_epoch=resume.epoch, callbacks=callbacks, verbose=0, shuffle=False)
        return model

    expected = program(tmp_path / "whole", 2)
    program(tmp_path / "parts", 1)
    found = program(tmp_path / "parts", 2)
    assert found.optimizer.sam_rho == 0.5
    for v, w in zip(found.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())
