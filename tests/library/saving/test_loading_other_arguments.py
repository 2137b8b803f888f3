"""Loading a state that was saved with other arguments, another precision or another loss scale."""

import copy
import pickle  # noqa: TID251  what users do to models is done here to our own

import keras
import numpy as np
import pytest

import tfoptim
from tests.library.saving.models import assert_bitwise, compiled, network, saved_weights, scaled, slots, state, trained

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
