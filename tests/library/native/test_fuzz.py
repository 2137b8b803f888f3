"""Random cases: for the driver alone, under sanitizers, and good and bad inputs for the operations."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfoptim.native import build, sources
from tfoptim.update.kernels import formulas

PROGRAM = Path(__file__).with_name("fuzz.cc")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program of `make fuzz`."""
    command, path = build.compiler(), tmp_path_factory.mktemp("fuzz") / "fuzz"
    if command is None:
        pytest.skip("there is no C++ compiler")
    flags = ("-std=c++17", "-O1", "-fno-math-errno", "-ffp-contract=off", "-DTFOPTIM_PLAIN", f"-I{sources.FOLDER}")
    unit = str(sources.FOLDER / "step.cc")
    made = subprocess.run(
        [*command, *flags, *SANITIZERS, str(PROGRAM), unit, "-o", str(path), "-pthread"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "sanitize" in made.stderr or "asan" in made.stderr:
        pytest.skip("the compiler has no sanitizers")
    assert made.returncode == 0, made.stderr
    return path


@pytest.mark.slow
def test_the_driver_is_clean_under_sanitizers(program):
    """No access out of bounds, nothing undefined, and no bit that depends on threads or on how arrays are cut."""
    ran = subprocess.run([str(program), "10000", "1"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "10000 cases\n"), ran.stderr


@pytest.mark.parametrize("cases", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_inputs_are_taken_or_refused_in_a_sentence(cases, on):
    """Of every rule, shape and dtype, whole variables or rows; a refused step moves nothing."""
    generator = np.random.default_rng(cases)
    taken = sum(random_step(on, generator) for _ in range(cases))
    assert 0.4 < taken / cases < 0.8


PARTS = ("slot", "average", "gradient", "index", "numbers", "factors", "groups", "weights")
REFUSALS = (tf.errors.InvalidArgumentError, tf.errors.FailedPreconditionError)


def random_step(on, generator):
    """Takes a step with random inputs, of which one may be wrong; returns whether it was taken."""
    formula = generator.choice(formulas.FORMULAS)
    rows = formula.name != "lamb" and generator.random() < 0.3
    wrong = generator.choice(PARTS) if generator.random() < 0.5 else None
    dtype = tf.as_dtype(generator.choice(["float32", "float64", "float16", "bfloat16"]))
    shapes = [random_shape(generator, rows) for _ in range(generator.integers(1, 4))]
    state, given = random_inputs(formula, shapes, dtype, rows, wrong, generator)
    before = [v.numpy() for v in state]
    try:
        (on.tfoptim_rows if rows else on.tfoptim_step)(rule=formula.name, **given)
    except REFUSALS as error:
        sentence = str(error)
    else:
        assert not wrong or not spoils(wrong, formula, rows, dtype, given)
        if not wrong:
            assert_each_alone(on, formula, before, state, given, rows)
        return True
    assert wrong
    assert "tfoptim: " in sentence
    assert all(np.array_equal(was, v.numpy()) for was, v in zip(before, state, strict=True))
    return False


def spoils(wrong, formula, rows, dtype, given):
    """Whether a wrong part is there and is looked at: of a variable without touched rows no slots and values are."""
    touched = not rows or given["indices"][-1].shape[0] > 0
    return {
        "slot": bool(formula.slots) and touched,
        "average": bool(given.get("averages")),
        "index": rows,
        "weights": dtype != tf.float16,
    }.get(wrong, True)


def random_shape(generator, rows):
    """Of at most two axes; one that has rows has an axis."""
    return tuple(generator.integers(0, 40, size=generator.integers(1 if rows else 0, 3)).tolist())


def random_inputs(formula, shapes, dtype, rows, wrong, generator):
    """Variables, and the arguments of the operation, of which one part is wrong."""
    precision = tf.float64 if dtype == tf.float64 else tf.float32
    count, averaged = len(shapes), not rows and generator.random() < 0.5

    def random(shape, dtype=precision):
        return tf.cast(tf.constant(generator.random(shape)), dtype)

    weights = [tf.Variable(random(shape, dtype)) for shape in shapes]
    slots = [tf.Variable(random(shape)) for _ in formula.slots for shape in shapes]
    averages = [tf.Variable(random(shape)) for shape in shapes] if averaged else []
    for part, own in {"slot": slots, "average": averages}.items():
        if wrong == part and own:
            own[-1] = tf.Variable(random([41]))
    given = {
        "weights": [w.handle for w in weights],
        "slots": [s.handle for s in slots],
        "numbers": random([2, NUMBERS[formula.name] + (1 if wrong == "numbers" else 2)], tf.float64),
        "factors": random([7 if wrong == "factors" else generator.choice([0, count])], tf.float64),
        "groups": generator.integers(2, size=count).tolist()[: count - (wrong == "groups")],
        "W": tf.float16 if wrong == "weights" and dtype != tf.float16 else dtype,
    }
    if rows:
        index = [generator.integers(max(shape[0], 1), size=5 if shape[0] else 0) for shape in shapes]
        if wrong == "index":
            index[-1] = np.append(index[-1], generator.choice([-1, shapes[-1][0]]))
        given["indices"] = [tf.constant(i, tf.int64) for i in index]
        shapes = [(len(i), *shape[1:]) for i, shape in zip(index, shapes, strict=True)]
    else:
        given["averages"] = [a.handle for a in averages]
    given["gradients"] = [random([43, 2, 1] if wrong == "gradient" else shape) for shape in shapes]
    return [*weights, *slots, *averages], given


def assert_each_alone(on, formula, before, state, given, rows):
    """A step of each variable on its own gives the same bits."""
    count = len(given["weights"])
    for i in range(count):
        own = [tf.Variable(tf.constant(was, v.dtype)) for was, v in zip(before[i::count], state[i::count], strict=True)]
        kinds = {"weights": 1, "slots": len(formula.slots), "averages": len(given.get("averages", [])) // count}
        handles = iter([v.handle for v in own])
        alone = {kind: [next(handles) for _ in range(k)] for kind, k in kinds.items() if kind in given}
        alone |= {name: given[name][i : i + 1] for name in ("gradients", "indices", "groups") if name in given}
        alone |= {"numbers": given["numbers"], "W": given["W"], "factors": given["factors"][i : i + 1]}
        (on.tfoptim_rows if rows else on.tfoptim_step)(rule=formula.name, **alone)
        for found, v in zip(own, state[i::count], strict=True):
            np.testing.assert_array_equal(found.numpy(), v.numpy())


NUMBERS = {"gd": 1, "momentum": 2, "nesterov": 2, "adagrad": 2, "adadelta": 3, "lion": 3, "nadam": 8}
NUMBERS |= {f.name: 4 for f in formulas.FORMULAS if f.name.startswith("rmsprop")}
NUMBERS |= {"radam": 6, "radam_amsgrad": 6, "adabelief": 6, "adabelief_amsgrad": 6, "ademamix": 7, "lamb": 7}
NUMBERS |= {f.name: 5 for f in formulas.FORMULAS if f.name not in NUMBERS}
