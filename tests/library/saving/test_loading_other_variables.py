"""Loading a state whose variables differ from the optimizer's: frozen, unfrozen, renamed, quantized."""

import copy
import pickle  # noqa: TID251  what users do to models is done here to our own
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of
from tests.library.saving.models import X, Y, assert_bitwise, compiled, network, saved_weights, slots, state, trained
from tfoptim.saving.matching import match

# Other variables than the file's


def test_model_frozen_after_training_is_saved_and_loaded(tmp_path):
    """A GAN's discriminator: nothing is trainable any more, and the state waits until something is."""
    model = trained(network(3), tfoptim.Adam())
    model.trainable = False
    model.save(tmp_path / "frozen.keras")
    loaded = keras.models.load_model(tmp_path / "frozen.keras")
    assert not loaded.optimizer.built
    assert_bitwise(model.get_weights(), loaded.get_weights())
    for layer in loaded.layers:
        layer.trainable = True
    loaded.optimizer.build(loaded.trainable_variables)
    assert_bitwise(state(model.optimizer), state(loaded.optimizer))


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


# Case by case

SQUARE, TALL, ONE = {"m": (4, 4)}, {"m": (8, 4)}, {"m": (4, 1)}


@pytest.mark.parametrize(
    ("names", "shapes", "saved", "found", "pairs"),
    [
        (["a", "b"], [ONE, ONE], ["b", "a"], [ONE, ONE], [(0, 1), (1, 0)]),
        (["a", "b"], [ONE, SQUARE], ["b", "a"], [ONE, ONE], [(0, 1)]),
        (["dense_w", "dense_1_w"], [ONE, ONE], ["dense_5_w", "dense_6_w"], [ONE, ONE], [(0, 0), (1, 1)]),
        (["dense_w"], [ONE], ["model_dense_w"], [ONE], [(0, 0)]),
        (["model_2_dense_w", "model_2_new_w"], [ONE, ONE], ["model_dense_w"], [ONE], [(0, 0)]),
        (["dense_1_w"], [ONE], ["model_1_dense_w", "model_1_dense_1_w"], [ONE, ONE], [(0, 1)]),
        (["dense_7_w"], [TALL], ["dense_w", "dense_1_w"], [ONE, TALL], [(0, 1)]),
        (["dense_7_w"], [ONE], ["dense_w", "dense_1_w"], [ONE, ONE], []),
        (["dense_7_w"], [SQUARE], ["dense_w", "dense_1_w"], [ONE, TALL], []),
        (["dense_7_w", "dense_8_w"], [ONE, ONE], ["dense_w"], [ONE], []),
        (["dense_1_w", "dense_2_w", "new_w"], [ONE] * 3, ["dense_w", "dense_1_w"], [ONE] * 2, []),
        (["w", "w"], [ONE, ONE], ["w"], [ONE], []),
        (["w", "w"], [ONE, TALL], ["w", "w"], [ONE, TALL], [(0, 0), (1, 1)]),
        (["a", "b"], [ONE, TALL], ["", ""], [ONE, TALL], [(0, 0), (1, 1)]),
        (["a"], [ONE], ["", ""], [ONE, ONE], []),
        ([], [], ["a"], [ONE], []),
        (["a"], [ONE], [], [], []),
    ],
    ids=[
        "names in another order",
        "a variable of another shape",
        "layers with new numbers",
        "a model's name in front",
        "a model with a new number",
        "a model's name in front, and a layer gone",
        "new numbers, told apart by shapes",
        "new numbers, not to be told apart",
        "new numbers, and no shape that fits",
        "new numbers, and a layer more than there was",
        "numbers that overlap: shifted, or another layer gone",
        "one name for two variables, one gone",
        "one name for two variables",
        "a file of Keras",
        "a file of Keras for other variables",
        "nothing to train",
        "nothing saved",
    ],
)
def test_variables_are_paired_where_it_is_sure(names, shapes, saved, found, pairs):
    """Pairs are (position in the optimizer, position in the file); what could be wrong is in none."""
    assert match(names, shapes, saved, found) == pairs
