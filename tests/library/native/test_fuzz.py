"""Ten thousand cases for the driver under sanitizers, and random inputs, good and bad, for the operations."""

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


@pytest.mark.slow
def test_random_inputs_are_taken_or_refused_in_a_sentence(on):
    """Of every rule, shape and dtype; a refused step moves nothing."""
    generator = np.random.default_rng(0)
    taken = sum(random_step(on, generator) for _ in range(1000))
    assert 300 < taken < 900


def random_step(on, generator):
    """Takes a step with random inputs, of which one may be wrong; returns whether it was taken."""

    def any_of(values):
        return values[generator.integers(len(values))]

    formula = any_of(formulas.FORMULAS)
    dtype = any_of([tf.float32, tf.float64, tf.float16, tf.bfloat16])
    precision = tf.float64 if dtype == tf.float64 else tf.float32
    shapes = [tuple(generator.integers(0, 40, size=generator.integers(0, 3))) for _ in range(generator.integers(1, 4))]
    weights = [tf.Variable(tf.ones(shape, dtype)) for shape in shapes]
    slots = [tf.Variable(tf.ones(shape, precision)) for _ in formula.slots for shape in shapes]
    wrong = any_of(["nothing", "nothing", "slot", "gradient", "numbers", "factors", "weights"])
    if wrong == "slot" and slots:
        slots[-1] = tf.Variable(tf.ones([41], precision))
    gradients = [tf.ones([43] if wrong == "gradient" else shape, precision) for shape in shapes]
    given = {
        "weights": [w.handle for w in weights],
        "slots": [s.handle for s in slots],
        "averages": [],
        "gradients": gradients,
        "numbers": tf.ones([1, (1 if wrong == "numbers" else 2) + NUMBERS[formula.name]], tf.float64) / 2,
        "factors": tf.ones([7 if wrong == "factors" else any_of([0, len(shapes)])], tf.float64),
        "groups": [0] * len(shapes),
        "W": tf.float16 if wrong == "weights" and dtype != tf.float16 else dtype,
    }
    try:
        on.tfoptim_step(rule=formula.name, **given)
    except (tf.errors.InvalidArgumentError, tf.errors.FailedPreconditionError) as error:
        sentence = str(error)
    else:
        return True
    assert "tfoptim: " in sentence
    assert all(np.all(w.numpy() == 1) for w in weights)
    return False


NUMBERS = {"gd": 1, "momentum": 2, "nesterov": 2, "adagrad": 2, "adadelta": 3, "lion": 3, "nadam": 8}
NUMBERS |= {f.name: 4 for f in formulas.FORMULAS if f.name.startswith("rmsprop")}
NUMBERS |= {"radam": 6, "radam_amsgrad": 6, "adabelief": 6, "adabelief_amsgrad": 6, "ademamix": 7, "lamb": 7}
NUMBERS |= {f.name: 5 for f in formulas.FORMULAS if f.name not in NUMBERS}
