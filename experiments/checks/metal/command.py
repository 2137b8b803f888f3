"""`python -m experiments metal-check`: exit code 0 if all is right, 1 if not, 3 where there is no Apple GPU."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from experiments import machine, terminal
from experiments import optimizers as library
from experiments.errors import unknown

NO_METAL = 3
DEVICES = ("GPU", "CPU")


def add_options(parser: argparse.ArgumentParser, names: Callable[[str], list[str]]) -> None:
    """Declares the options of the command.

    Args:
        parser: gets them.
        names: reads a list of names from a word.
    """
    add = parser.add_argument
    add("--device", metavar="DEVICE", help="make the same checks on the CPU, or on any other GPU: CPU or GPU")
    add("--optimizers", nargs="+", type=names, metavar="NAME", help="some of the optimizers")


def run(device: str | None, optimizers: Sequence[Sequence[str]] | None) -> int:
    """Makes the checks, prints the report, and returns the exit code.

    Args:
        device: `CPU` or `GPU` in any case; None for the Apple GPU, which then has to be there.
        optimizers: names, in lists; None for all.

    Raises:
        UserError: a name is not known.
    """
    names = _names(optimizers)
    if device is not None and device.upper() not in DEVICES:
        raise unknown("device", device, DEVICES)
    facts = machine.here()
    if device is None and not facts.is_metal:
        print(_no_metal(facts), file=sys.stderr)
        return NO_METAL
    try:
        kind = (device or "GPU").upper()
        return check(kind, names, apple=facts.is_metal and kind == "GPU")
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def check(kind: str, names: Sequence[str], *, apple: bool) -> int:
    """Makes the checks on the first device of a kind, prints the report, and returns 0 only if all is right.

    Args:
        kind: `CPU` or `GPU`.
        names: the optimizers.
        apple: whether to try the ReLU without the plugin's switch too, in processes of their own.
    """
    terminal.start_tensorflow()
    import tensorflow as tf

    from experiments.checks.metal import relu, report, steps

    device = f"{kind}:0"
    listed = tf.config.list_physical_devices(kind)
    findings = [*report.surroundings(device), _found(tf, kind, listed)]
    rows = []
    if listed:
        findings.append(report.of_relu(relu.dense_error(device)))
        if apple:
            findings.append(
                report.of_other(f"without {machine.SWITCH}", relu.error_without_switch(device, option=False))
            )
            words = "with use_plugin_optimizers=False instead"
            findings.append(report.of_other(words, relu.error_without_switch(device, option=True)))
        for probe in steps.probes(names):
            print(f"{probe.title} ...", file=sys.stderr, flush=True)
            rows.append((steps.check(probe, device), steps.milliseconds(probe.name, device) if probe.plain else []))
    wrong = sum(f.right is False for f in findings) + sum(not seen.right for seen, _ in rows)
    print(report.markdown(findings, rows))
    print(f"\n{report.summary(wrong)}")
    return 1 if wrong else 0


def _found(tf: Any, kind: str, listed: Sequence[Any]) -> Any:
    from experiments.checks.metal.report import Finding

    if not listed:
        others = ", ".join(each.name for each in tf.config.list_physical_devices())
        return Finding("device", f"TensorFlow lists no {kind}, only {others}", right=False)
    name = tf.config.experimental.get_device_details(listed[0]).get("device_name", "no name given")
    return Finding("device", f"{listed[0].name} ({name})", right=True)


def _names(optimizers: Sequence[Sequence[str]] | None) -> list[str]:
    known = library.available()
    names = [name.lower() for some in optimizers or [known] for name in some]
    for name in names:
        if name not in known:
            raise unknown("optimizer", name, known)
    return names


def _no_metal(facts: machine.Facts) -> str:
    plugin = f"with {machine.PLUGIN} {facts.plugin}" if facts.plugin else f"without {machine.PLUGIN}"
    return (
        f"There is no Apple GPU for TensorFlow here, so that nothing was checked: that takes macOS on arm64 with "
        f"{machine.PLUGIN}, and this is {facts.system} on {facts.machine} {plugin}; --device CPU makes the same checks "
        "on the CPU."
    )
