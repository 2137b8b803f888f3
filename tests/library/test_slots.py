"""Slots of another shape than their variable: they train, save memory, and are saved and loaded like all others."""

import copy
import pickle  # noqa: TID251  the tests write what they read

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import apply_in_shares, on_each
from tests.library.harness import stepper, train, values_of, variables_of
from tests.library.reshaped import RULES, SHAPES, Factored, PerVariable, begin
from tests.library.saving.models import assert_bitwise, assert_goes_on_like, network, trained
from tfoptim import update
from tfoptim.declaration import Slot

STEPS = 12
GRADIENTS = [begin(seed) for seed in range(1, STEPS + 1)]
ROUNDING = 1e-12  # float64, twelve steps
SINGLE = 2e-5  # float32, twelve steps, and means of 70,000 elements in another order

every_such_rule = pytest.mark.parametrize("name", RULES)


@every_such_rule
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_training_follows_the_loop(name, mode):
    """Twelve steps in float64, for a number, a vector and a matrix."""
    rule, loop = RULES[name]
    found = train(rule(0.1), begin(), GRADIENTS, mode=mode, dtype="float64")
    for i, w in enumerate(begin()):
        expected = loop(w, [g[i] for g in GRADIENTS])
        np.testing.assert_allclose([step[i] for step in found[:-1]], expected, rtol=0, atol=ROUNDING)


@every_such_rule
def test_the_simulation_follows_the_loop(name):
    """The same lines on NumPy arrays."""
    rule, loop = RULES[name]
    for i, w in enumerate(begin()):
        gradients = [g[i] for g in GRADIENTS]
        np.testing.assert_allclose(tfoptim.simulate(rule(0.1), w, gradients), loop(w, gradients), rtol=0, atol=ROUNDING)


@every_such_rule
def test_a_step_that_xla_compiles_follows_the_loop(name, monkeypatch):
    """A large matrix is updated by a function of XLA; so is a whole step in `jit_compile=True`."""
    rule, loop = RULES[name]
    ran = []
    monkeypatch.setattr(update, "compiled", lambda u, own=update.compiled: ran.append(1) or own(u))
    start, gradients = begin(0, [(350, 200)])[0], [begin(seed, [(350, 200)])[0] for seed in (1, 2, 3)]
    expected = loop(start, gradients)[-1]
    for whole in (False, True):
        (variable,) = variables_of([start])
        optimizer = rule(0.1)
        optimizer.build([variable])
        step = tf.function(stepper(optimizer, [variable], "eager"), autograph=False, jit_compile=whole)
        for g in gradients:
            step([tf.constant(g, tf.float32)])
        np.testing.assert_allclose(variable.numpy(), expected, rtol=0, atol=SINGLE)
    assert ran


@every_such_rule
def test_replicas_train_like_one_device(name, two_replicas):
    """Norms and means are taken of the summed gradient; both replicas hold the same slots."""
    rule, loop = RULES[name]
    start = [w.astype("float32") for w in begin()]
    with two_replicas.scope():
        variables, optimizer = variables_of(start), rule(0.1)
        optimizer.build(variables)
    apply_in_shares(two_replicas, optimizer, variables, GRADIENTS)
    for i, (w, variable) in enumerate(zip(start, variables, strict=True)):
        first, second = on_each(two_replicas, variable)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, loop(w, [g[i] for g in GRADIENTS])[-1], rtol=0, atol=SINGLE)


def shapes_of(optimizer):
    """Shape and precision of each slot, in the order of `build`."""
    return [
        {name: (tuple(v.shape), v.dtype) for name, v in slots.items()} for slots in map(dict, optimizer._runtime.slots)
    ]


@pytest.mark.parametrize(("dtype", "kept"), [("float64", "float64"), ("float32", "float32"), ("bfloat16", "float32")])
def test_the_memory_that_the_paper_saves_is_saved(dtype, kept):
    """One number beside each momentum; n + m numbers for a matrix of n x m; float32 for half precision."""
    per_variable, factored = PerVariable(), Factored()
    for optimizer in (per_variable, factored):
        optimizer.build(variables_of(begin(), dtype))
    assert shapes_of(per_variable) == [{"m": (shape, kept), "v": ((), kept)} for shape in SHAPES]
    assert shapes_of(factored) == [{"v": ((), kept)}, {"v": ((3,), kept)}, {"r": ((4,), kept), "c": ((3,), kept)}]
    elements = [sum(v.numpy().size for v in optimizer.variables[2:]) for optimizer in (per_variable, factored)]
    assert elements == [16 + 3, 1 + 3 + 7]


@every_such_rule
def test_half_precision_trains_near_the_loop(name):
    """bfloat16 keeps two to three digits of the weights."""
    rule, loop = RULES[name]
    found = train(rule(0.1), begin(), GRADIENTS[:3], mode="graph", dtype="bfloat16")
    for i, w in enumerate(begin()):
        expected = loop(w, [g[i] for g in GRADIENTS[:3]])[-1]
        np.testing.assert_allclose(found[-1][i].astype("float64"), expected, rtol=0, atol=0.05)


@every_such_rule
@pytest.mark.parametrize("way", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))])  # noqa: S301
def test_copies_go_on_like_the_original(name, way):
    """Deep copies and pickles carry each slot."""
    rule, _ = RULES[name]
    variables = variables_of(begin())
    optimizer = rule(0.1)
    stepper(optimizer, variables, "eager")([tf.constant(g, tf.float32) for g in GRADIENTS[0]])
    again = way(optimizer)
    again.build(variables)
    assert_bitwise(values_of(optimizer.variables), values_of(again.variables))


@every_such_rule
def test_weights_files_restore_the_slots(name, tmp_path):
    """By name, also into a model whose layers have other numbers."""
    rule, _ = RULES[name]
    model = trained(network(3, 2), rule(0.1))
    model.save_weights(tmp_path / "saved.weights.h5")
    other = trained(network(3, 2), rule(0.1), steps=1)
    other.load_weights(tmp_path / "saved.weights.h5")
    assert_goes_on_like(model, other)


def test_state_without_names_is_taken_by_position():
    """As in Keras's files: the shapes of a variable's slots differ, and that is no other rule."""
    variables = variables_of(begin())
    optimizer, again = PerVariable(0.1), PerVariable(0.1)
    stepper(optimizer, variables, "eager")([tf.constant(g, tf.float32) for g in GRADIENTS[0]])
    again.build(variables)
    again.load_own_variables({str(i): v.numpy() for i, v in enumerate(optimizer.variables)})
    assert_bitwise(values_of(optimizer.variables), values_of(again.variables))


def test_a_sparse_gradient_steps_the_whole_table():
    """A norm over the touched rows alone would be another rule, even if zero gradients changed nothing."""

    class Still(PerVariable):
        skips_zero_gradients = True

    start = begin(0, [(4, 3)])
    tables, rows = variables_of(start * 2), tf.constant([1, 3, 1])
    values = tf.constant(begin(1, [(3, 3)])[0], tf.float32)
    sparse = tf.IndexedSlices(values, rows, tf.constant([4, 3]))
    for table, gradient in zip(tables, (sparse, tf.convert_to_tensor(sparse)), strict=True):
        optimizer = Still(0.1)
        for _ in range(3):
            optimizer.apply([gradient], [table])
    np.testing.assert_allclose(tables[0].numpy(), tables[1].numpy(), rtol=0, atol=1e-6)
    assert np.any(tables[0].numpy() != np.float32(start[0]))


class Normed(tfoptim.Optimizer):
    """A rule that takes a norm and keeps nothing."""

    elementwise = False

    def direction(self, h, g, w, s):
        """The gradient."""
        return g


@pytest.mark.parametrize("rule", [PerVariable, Factored, Normed])
def test_lazy_is_refused(rule):
    """In one sentence, from the constructor and from an assignment."""
    message = f"{rule.__name__}: lazy must be False, because the rule needs whole variables"
    with pytest.raises(ValueError, match=message):
        rule(lazy=True)
    optimizer = rule()
    with pytest.raises(ValueError, match=message):
        optimizer.lazy = True
    assert optimizer.lazy is False


@pytest.mark.parametrize("shape", [3, (-1,), (2.0,), "row", None])
def test_a_shape_must_be_a_tuple_of_integers(shape):
    """The message comes where the slot is declared."""
    with pytest.raises(TypeError, match=r"Slot: shape must be a tuple of integers >= 0, such as \(\)"):
        Slot(0.0, shape=shape)


def test_a_function_must_return_a_shape():
    """The message names optimizer, slot and variable."""

    class Wrong(tfoptim.Optimizer):
        slots = {"v": Slot(0.0, shape=lambda shape, path: len(shape))}  # noqa: RUF012

    with pytest.raises(TypeError, match=r"Wrong: slot v of weight_0: shape must be a tuple of integers.*got 0"):
        Wrong().build(variables_of([np.ones(())]))


def test_a_slot_may_start_as_a_function_of_the_weights_and_depend_on_the_path():
    """One number, twice the first weight, for variables whose path says so."""

    class Anchored(tfoptim.Optimizer):
        slots = {  # noqa: RUF012
            "a": Slot(
                lambda w: 2 * np.asarray(w)[0],
                shape=lambda shape, path: () if path.endswith("1") else None,
            )
        }

        def direction(self, h, g, w, s):
            return s.a if "a" in s else 0 * g

    variables = variables_of([np.ones(2), np.full(2, 3.0)])
    optimizer = Anchored(1.0)
    optimizer.apply([tf.zeros(2), tf.zeros(2)], variables)
    assert [v.numpy().tolist() for v in variables] == [[1.0, 1.0], [-3.0, -3.0]]
    np.testing.assert_array_equal(tfoptim.simulate(Anchored(1.0), [3.0, 3.0], [[0.0, 0.0]], "b1"), [[-3.0, -3.0]])
    assert [tuple(v.shape) for v in optimizer.variables[2:]] == [()]


def test_a_variable_of_another_shape_keeps_its_own_state():
    """Its one number would fit, its momentum does not: neither is taken."""
    trained_one, wider = PerVariable(0.1), PerVariable(0.1)
    variables = variables_of([np.ones(3), np.ones((4, 3))])
    trained_one.apply([tf.ones(3), tf.ones((4, 3))], variables)
    wider.build(variables_of([np.ones(3), np.ones((5, 3))]))
    store = {}
    trained_one.save_own_variables(store)
    with pytest.warns(UserWarning, match="not used: weight_1"):
        wider.load_own_variables(store)
    first, second = ({name: slot.numpy() for name, slot in slots.items()} for slots in wider._runtime.slots)
    assert first["v"] == trained_one._runtime.slots[0]["v"].numpy() != 0.25
    assert second["v"] == 0.25
