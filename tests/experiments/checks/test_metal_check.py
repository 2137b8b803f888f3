"""`metal-check` finds what it is there to find."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from experiments import machine as metal
from experiments.__main__ import main
from experiments.checks.metal import relu, report, steps
from experiments.cli import checks
from experiments.machine import Facts
from tfoptim.registry import classes


@pytest.mark.parametrize(("system", "machine", "plugin"), [("Linux", "x86_64", None), ("Darwin", "arm64", None)])
def test_a_machine_without_metal_is_told_in_one_sentence(monkeypatch, capsys, system, machine, plugin):
    """With an exit code of its own, so that scripts can tell it from a failure."""
    monkeypatch.setattr(metal, "here", lambda: Facts(system, machine, plugin, None))
    assert main(["metal-check"]) == checks.NO_METAL == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert f"this is {system} on {machine} without tensorflow-metal; --device CPU makes" in captured.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--device", "gpux"], "Unknown device 'gpux': did you mean 'GPU'?"),
        (["--optimizers", "adm"], "Unknown optimizer 'adm': did you mean 'adam'?"),
        (["--optimizers", "adam", "AdaHessian"], "AdaHessian cannot be checked: it needs the loss"),
    ],
)
def test_bad_input_is_told_at_once(capsys, words, sentence):
    """As for every checks."""
    assert main(["metal-check", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_the_exit_codes_are_documented(capsys):
    """In the command's help."""
    with pytest.raises(SystemExit):
        main(["metal-check", "--help"])
    assert "3 no Apple GPU" in capsys.readouterr().out


def test_the_checks_pass_on_the_cpu_and_make_two_tables(capsys, monkeypatch):
    """The whole command, with another device: Markdown to paste, a row for each optimizer and each of its switches."""
    monkeypatch.setattr(steps, "TIMED_SHAPES", ((3, 2),))
    assert main(["metal-check", "--device", "cpu", "--optimizers", "gd", "rmsprop"]) == 0
    out = capsys.readouterr().out
    for row in ("| TURN_OFF_REMAPPER |", "| ReLU of a dense layer in fit and predict | kept", "| gd |", "| rmsprop |"):
        assert row in out
    assert "| rmsprop centered |" in out
    assert out.endswith("All checks passed.\n")
    assert "FAIL" not in out


def test_a_device_that_is_not_there_fails(capsys):
    """The table still says with what; nothing is checked in its place."""
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    assert main(["metal-check", "--device", "GPU"]) == 1
    out = capsys.readouterr().out
    assert "TensorFlow lists no GPU, only /physical_device:CPU:0 | FAIL" in out
    assert "ReLU" not in out


def test_optimizers_that_are_left_out_are_named():
    """Where all are asked for; the others have a row each."""
    assert steps.left_out(["adam", "adahessian"]) == ["adahessian"]
    assert report.of_left_out([]) == []
    (line,) = report.of_left_out(["adahessian"])
    assert (line.what, line.right) == ("not checked", None)
    assert line.found.startswith("adahessian: steps are made of given gradients")


def test_a_mac_is_asked_about_the_relu_without_the_switch_too(capsys, monkeypatch):
    """Whether the switch is needed, and whether the option helps, is told and is no failure."""
    asked = []
    monkeypatch.setattr(
        relu, "error_without_switch", lambda device, *, option: asked.append(option) or (1e-7 if option else 1.0)
    )
    assert checks.check("CPU", [], apple=True) == 0
    out = capsys.readouterr().out
    assert asked == [False, True]
    assert "| ReLU without TURN_OFF_REMAPPER | LOST (error 1e+00) |  |" in out
    assert "| ReLU with use_plugin_optimizers=False instead | kept (error 1e-07) |  |" in out


@pytest.mark.slow
def test_a_process_without_the_switch_gives_its_error():
    """Where no plugin is at work it keeps the ReLU; a process that fails says why."""
    assert relu.error_without_switch("CPU:0", option=True) <= relu.TOLERANCE
    assert "process ended with code 1" in relu.error_without_switch("XPU:0", option=False)


def test_a_lost_relu_is_found(monkeypatch):
    """The check can fail: a dense layer that drops its activation is far off."""
    dense = keras.layers.Dense
    monkeypatch.setattr(keras.layers, "Dense", lambda units, activation: dense(units))
    error = relu.dense_error("CPU:0")
    assert error > 100 * relu.TOLERANCE
    assert report.of_relu(error).right is False


def test_adagrad_as_the_plugin_rewrites_it_is_found():
    """With epsilon outside the root, as in its AdagradV2 kernel, steps miss float64 by more than the tolerance."""
    (probe,) = steps.probes(["adagrad"])
    generator = np.random.default_rng(0)
    start, gradients = generator.normal(size=20), generator.normal(size=(steps.STEPS, 20))
    w, accumulator = tf.Variable(start, dtype="float32"), tf.Variable(tf.fill([20], 0.1))
    for gradient in gradients:
        tf.raw_ops.ResourceApplyAdagradV2(
            var=w.handle,
            accum=accumulator.handle,
            lr=probe.options["learning_rate"],
            epsilon=probe.options["epsilon"],
            grad=tf.constant(gradient, tf.float32),
        )
    wanted = tfoptim.simulate(probe.make(), start, gradients)[-1]
    assert np.max(np.abs(w.numpy() - wanted)) / np.max(np.abs(wanted - start)) > 3 * steps.TOLERANCE


def test_a_wrong_step_fails(monkeypatch):
    """One part in a thousand is more than rounding; not a number is no success either."""
    (probe,) = steps.probes(["gd"])
    simulate = tfoptim.simulate

    def scaled(factor):
        """All moves, multiplied."""
        found = lambda o, w, g: {i: w[i] + factor * (path - w[i]) for i, path in simulate(o, w, g).items()}  # noqa: E731
        monkeypatch.setattr(tfoptim, "simulate", found)

    scaled(1.001)
    assert steps.check(probe, "CPU:0").error == pytest.approx(1e-3, rel=0.01)  # by construction; float32 adds 1e-6
    assert not steps.check(probe, "CPU:0").right
    scaled(np.nan)
    assert steps.check(probe, "CPU:0").error == np.inf


def test_an_operation_that_has_no_kernel_on_the_device_is_named(monkeypatch):
    """It is found by binding operations to the device; the steps are then made as a user would make them."""

    class Lacking(tfoptim.GD):
        """Asks for a device that no machine has."""

        def direction(self, h, g, w, s):
            with tf.device("GPU:77"):
                return tf.identity(g) if tf.is_tensor(g) else g

    monkeypatch.setattr(tfoptim, "get", lambda name, **options: Lacking(**options))
    (probe,) = steps.probes(["gd"])
    seen = steps.check(probe, "CPU:0")
    assert "GPU:77" in seen.off or "Identity" in seen.off
    assert seen.error <= steps.TOLERANCE
    assert not seen.right


def test_steps_that_cannot_run_are_told(monkeypatch):
    """In the words of TensorFlow, as a failure of that optimizer alone."""

    def broken(probe, device):
        raise tf.errors.InvalidArgumentError(None, None, "Cannot assign a device for operation Qr: no kernel\nmore")

    monkeypatch.setattr(steps, "_error", broken)
    seen = steps.check(steps.probes(["gd"])[0], "CPU:0")
    assert (seen.off, seen.right) == ("Qr", False)
    assert seen.failed == "Cannot assign a device for operation Qr: no kernel"
    assert "| gd | Cannot assign a device for operation Qr: no kernel | Qr | - | - | FAIL |" in report.markdown(
        [], [(seen, [])]
    )


def test_every_optimizer_is_probed_with_each_of_its_switches():
    """Names and switches come from the classes: a new optimizer is checked without a line here."""
    found = [probe.title for probe in steps.probes(tfoptim.available())]
    assert {name for name, cls in classes().items() if not cls.needs_loss} <= set(found)
    assert {"adam amsgrad", "momentum nesterov", "sgd nesterov", "rmsprop centered"} <= set(found)


def test_steps_are_timed_beside_keras_where_it_has_the_rule(monkeypatch):
    """The same rule, arguments included; what Keras lacks has no number."""
    ours, theirs = steps.milliseconds("momentum", "CPU:0", ((3, 2),))
    assert min(ours, theirs) > 0
    assert steps._of_keras("momentum").momentum == 0.9
    monkeypatch.setattr(steps, "KERAS_NAMES", {"gd": ("unknown", {})})
    assert steps.milliseconds("gd", "CPU:0", ((3, 2),))[1] is None
