"""What an optimizer takes of a saved state: the table in `tfoptim.state`, row by row, through Keras's own files."""

import copy
import pickle  # noqa: TID251  what users do to models is done here to our own
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 1)).astype("float32")


def network(*widths, frozen=(), dtype=None):
    """A stack of dense layers, the last with one output, some of them frozen."""
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(width, dtype=dtype) for width in (*widths, 1)]
    for i in frozen:
        layers[i].trainable = False
    return keras.Sequential([keras.Input((4,)), *layers])


def compiled(model, optimizer):
    """The model with this optimizer, its steps taken eagerly."""
    model.compile(optimizer=optimizer, loss="mse", run_eagerly=True, jit_compile=False)
    return model


def trained(model, optimizer, steps=2):
    """The model after some steps."""
    compiled(model, optimizer)
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return model


def saved_weights(model, folder):
    """The weights file of a model, with the state of its optimizer."""
    model.save_weights(folder / "saved.weights.h5")
    return folder / "saved.weights.h5"


def state(optimizer):
    """Counter, learning rate and slots as arrays."""
    return values_of(optimizer.variables)


def slots(model, name, layer):
    """One slot of the kernel of a layer, found by the layer's name."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    (slot,) = [v for v in optimizer.variables if v.name.endswith(f"{layer.name}_kernel_{name}")]
    return slot.numpy()


def assert_bitwise(expected, actual):
    """Two lists of arrays are equal to the last bit."""
    for wanted, got in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(got, wanted)


def assert_goes_on_like(original, loaded):
    """One more step of both ends at the same weights."""
    for model in (original, loaded):
        model.train_on_batch(X, Y)
    assert_bitwise(original.get_weights(), loaded.get_weights())


# An optimizer that is not built


@pytest.mark.parametrize("make", [tfoptim.Adam, lambda: tfoptim.SGD(momentum=0.9), tfoptim.Nadam, tfoptim.GD])
def test_weights_loaded_into_a_compiled_model_bring_the_state_of_its_optimizer(make, tmp_path):
    """The optimizer has its counter at once, and its slots when it is built."""
    model = trained(network(3), make())
    fresh = compiled(network(3), make())
    fresh.load_weights(saved_weights(model, tmp_path))
    assert int(fresh.optimizer.iterations) == 2
    assert_goes_on_like(model, fresh)


def test_best_weights_of_a_checkpoint_callback_go_into_a_fresh_model(tmp_path):
    """`ModelCheckpoint(save_weights_only=True)` writes them; `fit` goes on from there."""
    path = tmp_path / "best.weights.h5"
    model = compiled(network(3), tfoptim.Adam())
    keep = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[keep])
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(path)
    for m in (model, fresh):
        m.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert_bitwise(model.get_weights(), fresh.get_weights())


def test_state_that_waits_survives_saving_copying_and_pickling(tmp_path):
    """Nothing is lost on the way from file to file, whether or not a step is taken in between."""
    model = trained(network(3), tfoptim.Adam())
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(saved_weights(model, tmp_path))
    again = compiled(network(3), tfoptim.Adam())
    again.load_weights(saved_weights(fresh, tmp_path))
    for optimizer in (
        again.optimizer,
        copy.deepcopy(fresh.optimizer),
        pickle.loads(pickle.dumps(fresh.optimizer)),  # noqa: S301  our own bytes
    ):
        optimizer.build(model.trainable_variables)
        assert_bitwise(state(model.optimizer), state(optimizer))


def test_learning_rate_assigned_before_building_is_kept(tmp_path):
    """What the user sets after loading is not overwritten when the rest of the state is taken, and is saved."""
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(saved_weights(trained(network(3), tfoptim.Adam()), tmp_path))
    fresh.optimizer.learning_rate = 0.5
    third = compiled(network(3), tfoptim.Adam())
    third.load_weights(saved_weights(fresh, tmp_path))
    fresh.train_on_batch(X, Y)
    assert float(fresh.optimizer.learning_rate) == float(third.optimizer.learning_rate) == 0.5


def test_a_model_that_was_never_trained_brings_its_learning_rate_and_nothing_else(tmp_path):
    """There is no state to wait, and nothing to warn of."""
    path = saved_weights(compiled(network(3), tfoptim.Adam(0.25)), tmp_path)
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(path)
    fresh.train_on_batch(X, Y)
    assert (float(fresh.optimizer.learning_rate), int(fresh.optimizer.iterations)) == (0.25, 1)


def test_pickled_optimizer_tells_its_iterations_at_once():
    """The counter does not wait for `build`."""
    model = trained(network(3), tfoptim.Adam(), steps=3)
    assert int(pickle.loads(pickle.dumps(model.optimizer)).iterations) == 3  # noqa: S301  our own bytes


def test_the_first_step_of_a_compiled_loop_takes_what_waits(tmp_path):
    """`build` happens while TensorFlow traces; the state must not become part of the trace."""
    model = trained(network(3), tfoptim.Adam())
    fresh = network(3)
    fresh.compile(tfoptim.Adam(), "mse", jit_compile=False)
    fresh.load_weights(saved_weights(model, tmp_path))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((fresh(X) - Y) ** 2)
        fresh.optimizer.apply(tape.gradient(loss, fresh.trainable_variables), fresh.trainable_variables)

    step()
    model.train_on_batch(X, Y)
    for wanted, got in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)  # another graph rounds otherwise


# Other variables than the file's


def test_model_frozen_after_training_is_saved_and_loaded(tmp_path):
    """A GAN's discriminator: nothing is trainable any more, and the warning says what has become of the state."""
    model = trained(network(3), tfoptim.Adam())
    model.trainable = False
    model.save(tmp_path / "frozen.keras")
    with pytest.warns(UserWarning, match="not used: .*kernel"):
        loaded = keras.models.load_model(tmp_path / "frozen.keras")
    assert loaded.optimizer.built
    assert_bitwise(model.get_weights(), loaded.get_weights())


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_layers_that_still_train_keep_their_state_when_another_is_frozen(frozen, tmp_path):
    """Layers of one kind and one shape are told apart by their numbers."""
    model = trained(network(4, 4), tfoptim.Adam())
    model.layers[frozen].trainable = False
    model.save(tmp_path / "frozen.keras")
    with pytest.warns(UserWarning, match=f"Taken for 4; not used: .*{model.layers[frozen].name}_bias") as seen:
        loaded = keras.models.load_model(tmp_path / "frozen.keras")
    assert len(seen) == 1
    assert int(loaded.optimizer.iterations) == 2
    for i in {0, 1, 2} - {frozen}:
        np.testing.assert_array_equal(
            slots(loaded, "v", loaded.layers[i]), slots(model, "v", model.layers[i]), strict=True
        )


def test_a_frozen_layer_is_found_by_its_shape_in_a_model_with_other_numbers(tmp_path):
    """Keras numbers the layers of a process; where shapes fit in one way only, they decide."""
    model = trained(network(2, 3), tfoptim.Adam())
    fresh = compiled(network(2, 3, frozen=[0]), tfoptim.Adam())
    fresh.load_weights(saved_weights(model, tmp_path))
    with pytest.warns(UserWarning, match="Taken for 4; not used: "):
        fresh.optimizer.build(fresh.trainable_variables)
    np.testing.assert_array_equal(slots(fresh, "m", fresh.layers[1]), slots(model, "m", model.layers[1]), strict=True)


def test_layers_that_cannot_be_told_apart_start_afresh(tmp_path):
    """Two layers of one shape with new numbers, one of them frozen: a guess could be wrong without a word."""
    model = trained(network(4, 4), tfoptim.Adam())
    fresh = compiled(network(4, 4, frozen=[0]), tfoptim.Adam())
    fresh.load_weights(saved_weights(model, tmp_path))
    with pytest.warns(UserWarning, match="Taken for 2; not used: .*not in the file: "):
        fresh.optimizer.build(fresh.trainable_variables)
    np.testing.assert_array_equal(slots(fresh, "m", fresh.layers[1]), 0.0)
    np.testing.assert_array_equal(slots(fresh, "m", fresh.layers[2]), slots(model, "m", model.layers[2]), strict=True)


def test_unfrozen_layer_starts_afresh_beside_layers_with_state(tmp_path):
    """Fine-tuning in two phases: the second trains a layer more."""
    model = trained(network(4, 4, frozen=[0]), tfoptim.Adam())
    model.layers[0].trainable = True
    model.save(tmp_path / "unfrozen.keras")
    with pytest.warns(UserWarning, match=r"Taken for 4; not in the file: .*dense.*kernel"):
        loaded = keras.models.load_model(tmp_path / "unfrozen.keras")
    np.testing.assert_array_equal(slots(loaded, "m", loaded.layers[1]), slots(model, "m", model.layers[1]), strict=True)
    np.testing.assert_array_equal(slots(loaded, "m", loaded.layers[0]), 0.0)


def test_built_optimizer_takes_what_fits_and_leaves_the_rest():
    """The same rule without a model: one variable is gone, one is new."""
    first, second, third = (keras.Variable(np.ones(2), name=name) for name in ("first", "second", "third"))
    old, new = tfoptim.Momentum(), tfoptim.Momentum()
    old.apply([tf.ones(2), 2 * tf.ones(2)], [first, second])
    new.build([second, third])
    store = {}
    old.save_own_variables(store)
    with pytest.warns(UserWarning, match="momentum.*Taken for 1; not used: first; not in the file: third"):
        new.load_own_variables(store)
    assert [[-0.02, -0.02], [0.0, 0.0]] == [np.round(v, 6).tolist() for v in state(new)[2:]]


def test_state_of_none_of_the_variables_is_left_and_so_are_the_counters():
    """A counter without its averages would make the first steps of Adam three times as long."""
    old, new = tfoptim.Adam(0.5), tfoptim.Adam(0.25)
    old.apply([tf.ones(2)], [keras.Variable(np.ones(2), name="first")])
    new.build([keras.Variable(np.ones(3), name="other")])
    store = {}
    old.save_own_variables(store)
    waiting = pickle.loads(pickle.dumps(old))  # noqa: S301  our own bytes
    with pytest.warns(UserWarning, match="nothing was taken. It has: first"):
        new.load_own_variables(store)
    with pytest.warns(UserWarning, match="nothing was taken"):
        waiting.build([keras.Variable(np.ones(3), name="other")])
    for optimizer, rate in ((new, 0.25), (waiting, 0.5)):
        assert (int(optimizer.iterations), float(optimizer.learning_rate)) == (0, rate)


def test_quantized_model_is_saved_and_loaded(tmp_path):
    """The kernels are whole numbers then, and only the biases still train."""
    model = trained(network(3), tfoptim.Adam())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Layer InputLayer does not have a `quantize`", UserWarning)
        model.quantize("int8")
    model.save(tmp_path / "int8.keras")
    with pytest.warns(UserWarning, match="Taken for 2; not used: .*kernel"):
        loaded = keras.models.load_model(tmp_path / "int8.keras")
    np.testing.assert_allclose(loaded.predict_on_batch(X), model.predict_on_batch(X), rtol=1e-5)  # two graphs


def test_low_rank_adapters_start_afresh(tmp_path):
    """After `enable_lora` the kernel is frozen and two small matrices train."""
    model = trained(network(3), tfoptim.Adam())
    model.layers[0].enable_lora(2)
    model.save(tmp_path / "lora.keras")
    with pytest.warns(UserWarning, match="not in the file: .*lora"):
        loaded = keras.models.load_model(tmp_path / "lora.keras")
    np.testing.assert_array_equal(slots(loaded, "m", loaded.layers[1]), slots(model, "m", model.layers[1]), strict=True)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])  # noqa: S301
def test_model_frozen_after_training_can_be_copied(duplicate):
    """Keras copies models through a file; what is frozen has no state there, and the rest has its own."""
    model = trained(network(3), tfoptim.Adam())
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match="Taken for 2; not used"):
        twin = duplicate(model)
    np.testing.assert_array_equal(slots(twin, "v", twin.layers[1]), slots(model, "v", model.layers[1]), strict=True)


def test_optimizer_of_frozen_variables_is_copied_and_taken_over_whole():
    """The optimizer itself holds the state of the frozen layer, and its copies do."""
    model, theirs = trained(network(3), tfoptim.Adam()), trained(network(3), keras.optimizers.Adam())
    for m in (model, theirs):
        m.layers[0].trainable = False
    twin = copy.deepcopy(model.optimizer)
    assert_bitwise(state(model.optimizer), state(twin))
    ours = tfoptim.from_keras(theirs.optimizer)
    assert_bitwise(values_of(theirs.optimizer.variables), state(ours))
    before = theirs.layers[0].get_weights()
    compiled(theirs, ours).train_on_batch(X, Y)
    assert_bitwise(before, theirs.layers[0].get_weights())


# Other arguments than the file's


def test_amsgrad_switched_off_leaves_its_maximum_and_switched_on_starts_it(tmp_path):
    """The averages that both have go on."""
    for before, after, words in ((True, False, "not used: .*v_max"), (False, True, "not in the file: .*v_max")):
        model = trained(network(3), tfoptim.Adam(amsgrad=before))
        fresh = compiled(network(3), tfoptim.Adam(amsgrad=after))
        fresh.load_weights(saved_weights(model, tmp_path))
        with pytest.warns(UserWarning, match=words):
            fresh.optimizer.build(fresh.trainable_variables)
        np.testing.assert_array_equal(slots(fresh, "v", fresh.layers[0]), slots(model, "v", model.layers[0]))


def test_averages_that_the_file_lacks_start_from_the_weights(tmp_path):
    """From zero they would end `fit` with weights near zero."""
    model = trained(network(3), tfoptim.Adam())
    fresh = compiled(network(3), tfoptim.Adam(use_ema=True))
    fresh.load_weights(saved_weights(model, tmp_path))
    with pytest.warns(UserWarning, match="not in the file: .*average"):
        fresh.optimizer.build(fresh.trainable_variables)
    fresh.optimizer.finalize_variable_values(fresh.trainable_variables)
    assert_bitwise(model.get_weights(), fresh.get_weights())


def test_updates_become_calls_where_gradients_are_accumulated(tmp_path):
    """Two updates are `iterations` 2, however many calls each takes from now on."""
    model = trained(network(3), tfoptim.Adam())
    fresh = compiled(network(3), tfoptim.Adam(gradient_accumulation_steps=4))
    fresh.load_weights(saved_weights(model, tmp_path))
    assert int(fresh.optimizer.iterations) == 2
    again = compiled(network(3), tfoptim.Adam(gradient_accumulation_steps=4))
    again.load_weights(saved_weights(fresh, tmp_path))
    assert int(again.optimizer.iterations) == 2


def test_schedule_in_place_of_a_number_keeps_counter_and_slots(tmp_path):
    """The file's learning rate has nowhere to go, and is named."""
    model = trained(network(3), tfoptim.Adam(0.5))
    fresh = compiled(network(3), tfoptim.Adam(tfoptim.schedules.WarmupCosine(0.1, 100)))
    fresh.load_weights(saved_weights(model, tmp_path))
    with pytest.warns(UserWarning, match="not used: learning_rate"):
        fresh.optimizer.build(fresh.trainable_variables)
    assert int(fresh.optimizer.iterations) == 2
    np.testing.assert_array_equal(slots(fresh, "m", fresh.layers[0]), slots(model, "m", model.layers[0]))


def test_number_in_place_of_a_schedule_is_kept(tmp_path):
    """The file has no learning rate, and the optimizer's own is named as not being in it."""
    model = trained(network(3), tfoptim.Adam(tfoptim.schedules.WarmupCosine(0.1, 100)))
    fresh = compiled(network(3), tfoptim.Adam(0.25))
    fresh.load_weights(saved_weights(model, tmp_path))
    with pytest.warns(UserWarning, match="not in the file: learning_rate"):
        fresh.optimizer.build(fresh.trainable_variables)
    assert (int(fresh.optimizer.iterations), float(fresh.optimizer.learning_rate)) == (2, 0.25)


# Loss scaling


def scaled(**arguments):
    """A loss-scaled Adam."""
    return tfoptim.LossScaleOptimizer(tfoptim.Adam(**arguments), initial_scale=8.0)


def test_loss_scale_waits_and_is_taken(tmp_path):
    """Scale, its counter and the inner optimizer's state go on, built or not."""
    model = trained(network(3), scaled())
    model.optimizer.dynamic_scale.assign(32.0)
    path = saved_weights(model, tmp_path)
    fresh, built = (compiled(network(3), scaled()) for _ in range(2))
    built.optimizer.build(built.trainable_variables)
    again = compiled(network(3), scaled())
    for loaded in (fresh, built):
        loaded.load_weights(path)
    again.load_weights(saved_weights(fresh, tmp_path))
    assert int(fresh.optimizer.iterations) == 2
    for loaded in (fresh, built, again):
        loaded.optimizer.build(loaded.trainable_variables)
        assert_bitwise(state(model.optimizer)[2:], state(loaded.optimizer)[2:])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "pickle"])  # noqa: S301
def test_loss_scaled_optimizer_is_copied_with_its_state(duplicate):
    """Keras's class loses all of it."""
    model = trained(network(3), scaled())
    twin = duplicate(model.optimizer)
    assert int(twin.iterations) == 2
    twin.build(model.trainable_variables)
    assert_bitwise(state(model.optimizer)[2:], state(twin)[2:])


def test_the_same_warning_is_given_once(tmp_path):
    """Keras loads the inner optimizer with its wrapper, and then by itself."""
    path = saved_weights(trained(network(3), scaled()), tmp_path)
    fresh = compiled(network(3, frozen=[0]), scaled())
    fresh.optimizer.build(fresh.trainable_variables)
    with pytest.warns(UserWarning, match="Taken for 2; not used") as seen:
        fresh.load_weights(path)
    assert len(seen) == 1


def test_another_precision_policy_takes_the_same_state(tmp_path):
    """float32 to mixed_float16 with its loss scale, and back; slots are float32 in both."""
    half = trained(network(3, dtype="mixed_float16"), scaled())
    whole = compiled(network(3), tfoptim.Adam())
    whole.load_weights(saved_weights(half, tmp_path))
    whole.optimizer.build(whole.trainable_variables)
    assert_bitwise(state(half.optimizer.inner_optimizer), state(whole.optimizer))
    again = compiled(network(3, dtype="mixed_float16"), scaled())
    again.load_weights(saved_weights(trained(network(3), tfoptim.Adam()), tmp_path))
    assert int(again.optimizer.iterations) == 2
    again.optimizer.build(again.trainable_variables)
    assert float(again.optimizer.dynamic_scale) == 8.0


def test_loss_scale_of_keras_around_ours_lets_the_state_through(tmp_path):
    """`compile` under mixed_float16 makes the slots in a name scope of its wrapper; names are the same all the same."""
    wrapped = keras.optimizers.LossScaleOptimizer(tfoptim.Adam())
    path = saved_weights(trained(network(3, dtype="mixed_float16"), wrapped), tmp_path)
    for optimizer in (scaled(), tfoptim.Adam()):
        fresh = compiled(network(3), optimizer)
        fresh.load_weights(path)
        fresh.optimizer.build(fresh.trainable_variables)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        assert_bitwise(state(wrapped.inner_optimizer), state(inner))


def test_half_precision_weights_take_the_state_of_whole_ones(tmp_path):
    """A model reloaded in bfloat16: its slots are float32 as before."""
    model = trained(network(3), tfoptim.Adam())
    fresh = compiled(network(3, dtype="bfloat16"), tfoptim.Adam())
    fresh.load_weights(saved_weights(model, tmp_path))
    fresh.optimizer.build(fresh.trainable_variables)
    assert_bitwise(state(model.optimizer), state(fresh.optimizer))


# Keras's own files


KERAS = {
    "plain": {},
    "amsgrad": {"amsgrad": True},
    "averaged": {"use_ema": True},
    "accumulated": {"gradient_accumulation_steps": 2},
}


@pytest.mark.parametrize("arguments", KERAS.values(), ids=KERAS)
def test_weights_of_a_model_trained_with_keras_bring_their_state(arguments, tmp_path):
    """Positions are all that these files have; they fit the rule, and wait like any other state."""
    theirs = trained(network(3), keras.optimizers.Adam(**arguments))
    path = saved_weights(theirs, tmp_path)
    fresh, built = (compiled(network(3), tfoptim.Adam(**arguments)) for _ in range(2))
    built.optimizer.build(built.trainable_variables)
    for ours in (fresh, built):
        ours.load_weights(path)
        ours.optimizer.build(ours.trainable_variables)
        assert_bitwise(values_of(theirs.optimizer.variables), state(ours.optimizer))


def test_averages_of_keras_are_left_where_ours_has_none(tmp_path):
    """Which arguments the file was written with is seen from its arrays."""
    theirs = trained(network(3), keras.optimizers.Adam(use_ema=True))
    ours = compiled(network(3), tfoptim.Adam())
    ours.load_weights(saved_weights(theirs, tmp_path))
    with pytest.warns(UserWarning, match="Taken for 4; not used: .*average"):
        ours.optimizer.build(ours.trainable_variables)
    assert_bitwise(values_of(theirs.optimizer.variables)[-8:], state(ours.optimizer)[-8:])


def test_loss_scaled_state_of_keras_is_taken_with_and_without_a_scale(tmp_path):
    """A model of mixed_float16 that was trained with Keras goes on in ours, in that policy or in float32."""
    theirs = trained(network(3), keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=4.0))
    path = saved_weights(theirs, tmp_path)
    for optimizer in (scaled(), tfoptim.Adam()):
        ours = compiled(network(3), optimizer)
        ours.load_weights(path)
        ours.optimizer.build(ours.trainable_variables)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        assert_bitwise(values_of(theirs.optimizer.inner_optimizer.variables), state(inner))
        assert float(getattr(optimizer, "dynamic_scale", 4.0)) == 4.0


def test_state_of_keras_for_other_variables_is_left_with_a_warning(tmp_path):
    """Without names nobody knows whose it is."""
    theirs = trained(network(3), keras.optimizers.Adam())
    ours = compiled(network(3, frozen=[0]), tfoptim.Adam())
    ours.load_weights(saved_weights(theirs, tmp_path))
    with pytest.warns(UserWarning, match="nothing was taken"):
        ours.train_on_batch(X, Y)
    assert int(ours.optimizer.iterations) == 1


# Another rule


RULES = {
    "Adam for SGD": (tfoptim.Adam, tfoptim.SGD),
    "SGD for Adam": (tfoptim.SGD, tfoptim.Adam),
    "Momentum for RMSprop, with slots of one name": (tfoptim.Momentum, tfoptim.RMSprop),
    "Adam for Adamax": (tfoptim.Adam, tfoptim.Adamax),
    "Nadam, which shares a number, for Adam": (tfoptim.Nadam, tfoptim.Adam),
    "an Adam with a name of its own for Momentum": (lambda: tfoptim.Adam(name="mine"), tfoptim.Momentum),
    "Keras's SGD for Adam": (keras.optimizers.SGD, tfoptim.Adam),
    "Keras's Adam for SGD": (keras.optimizers.Adam, tfoptim.SGD),
    "Adam for a scaled Momentum": (tfoptim.Adam, lambda: tfoptim.LossScaleOptimizer(tfoptim.Momentum())),
}


@pytest.mark.parametrize("built", [True, False], ids=["built", "not built"])
@pytest.mark.parametrize(("theirs", "ours"), RULES.values(), ids=RULES)
def test_state_of_another_rule_is_refused_before_anything_is_changed(theirs, ours, built, tmp_path):
    """The sentence names the ways to load the weights alone, and the first of them works."""
    path = saved_weights(trained(network(3), theirs()), tmp_path)
    model = trained(network(3), ours()) if built else compiled(network(3), ours())
    before = state(model.optimizer)
    with pytest.raises(ValueError, match=r"another optimizer.*unchanged.*skip_mismatch=True.*compile=False"):
        model.load_weights(path)
    assert_bitwise(before, state(model.optimizer))
    with pytest.warns(UserWarning, match="another optimizer"):
        model.load_weights(path, skip_mismatch=True)
    assert_bitwise(before, state(model.optimizer))
    model.train_on_batch(X, Y)


def test_the_same_rule_under_another_name_is_no_other_rule(tmp_path):
    """`AdamW` is Adam with a default, `SGD` with momentum is `Momentum`, and a subclass is what it subclasses."""

    class Mine(tfoptim.Adam):
        pass

    for theirs, ours in (
        (tfoptim.Adam(), tfoptim.AdamW()),
        (tfoptim.SGD(momentum=0.9), tfoptim.Momentum()),
        (tfoptim.Adam(), Mine()),
        (Mine(), tfoptim.Adam()),
    ):
        model, fresh = trained(network(3), theirs), compiled(network(3), ours)
        fresh.load_weights(saved_weights(model, tmp_path))
        fresh.optimizer.build(fresh.trainable_variables)
        assert_bitwise(state(theirs), state(ours))


def test_what_is_no_state_at_all_is_refused():
    """A store of other keys is named, and nothing is taken of it."""
    with pytest.raises(ValueError, match="not the state of an optimizer: it has an entry 'kernel'"):
        tfoptim.Adam().load_own_variables({"kernel": np.ones(2)})


# No state


def test_weights_of_a_model_that_was_not_compiled_leave_the_optimizer_as_it_is(tmp_path):
    """Pretrained weights say nothing of an optimizer, and there is nothing to warn of."""
    path = saved_weights(network(3), tmp_path)
    for model in (
        compiled(network(3), tfoptim.Adam()),
        trained(network(3), tfoptim.Adam()),
        trained(network(3), scaled()),
    ):
        before = state(model.optimizer)
        model.load_weights(path)
        assert_bitwise(before, state(model.optimizer))


# Several optimizers in one

needs_multi = pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"), reason="Keras has had no MultiOptimizer before 3.15"
)


@needs_multi
def test_parts_of_a_multi_optimizer_train_and_are_saved_and_loaded(tmp_path):
    """Keras's `MultiOptimizer` with ours inside; the file is loaded in `load_model` and into a fresh model."""

    def several():
        parts = {".*dense_a.*": tfoptim.SGD(0.1, momentum=0.9), ".*dense_b.*": tfoptim.Adam(0.1)}
        return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(tfoptim.AdamW(), parts))

    def three():
        keras.utils.set_random_seed(0)
        names = ("dense_a", "dense_b", "dense_c")
        return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(1, name=name) for name in names)])

    model = trained(three(), several())
    model.save(tmp_path / "several.keras")
    loaded = keras.models.load_model(tmp_path / "several.keras")
    for mine, theirs in zip(loaded.optimizer.optimizers, model.optimizer.optimizers, strict=True):
        assert type(mine) is type(theirs)
        assert_bitwise(state(theirs), state(mine))
    loaded.run_eagerly = True
    assert_goes_on_like(model, loaded)


@needs_multi
def test_parts_of_a_multi_optimizer_whose_patterns_fit_other_paths_are_loaded_with_a_warning(tmp_path):
    """Keras takes a model's name off the paths when it loads; a pattern may then give a layer to another part."""
    parts = {"dense_a/.*": tfoptim.SGD(0.1, momentum=0.9)}
    several = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(tfoptim.Adam(), parts))
    layers = [keras.layers.Dense(1, name=name) for name in ("dense_a", "dense_b")]
    model = trained(keras.Sequential([keras.Input((4,)), *layers]), several)
    model.save(tmp_path / "several.keras")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        loaded = keras.models.load_model(tmp_path / "several.keras")
    assert any("Taken for 2; not used: sequential" in str(warning.message) for warning in seen)
    loaded.train_on_batch(X, Y)
