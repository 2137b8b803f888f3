"""The commands that check the library itself: conformance and metal-check."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import machine
from experiments import optimizers as library
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.errors import UserError, unknown

NO_METAL = 3
DEVICES = ("GPU", "CPU")


def conformance(given: argparse.Namespace, typed: str) -> int:
    """Measures, prints, and returns 0 only if tfoptim keeps every promise."""
    page = given.markdown
    if page is not None and not page.is_file():
        raise UserError(f"There is no page '{page}' to put the table in.")
    machine.start_tensorflow()
    from experiments.checks.conformance import catalogue, report

    chosen = catalogue.rows(given.rows)
    found = report.measure(chosen)
    report.show(chosen, found)
    if given.json is not None:
        given.json.write_text(report.as_json(chosen, found), encoding="utf-8")
    if page is not None:
        report.write(page, chosen, found)
    for fault, why in catalogue.NOT_HERE.items() if not given.rows else ():
        print(f"{fault} has no row: it {why}.")
    print(report.summary(found))
    return 0 if report.complete(found) else 1


def metal_check(given: argparse.Namespace, typed: str) -> int:
    """Makes the checks, prints the report, and returns 0 if all passed, 1 if not, 3 without an Apple GPU."""
    names, device = [name.lower() for name in given.optimizers or library.available()], given.device
    for name in names:
        if name not in library.available():
            raise unknown("optimizer", name, library.available())
        if given.optimizers and library.needs_loss(library.rule(name)):
            title = library.place(name)[1]
            raise UserError(
                f"{title} cannot be checked: it needs the loss, and steps are made of given gradients here."
            )
    if device is not None and device.upper() not in DEVICES:
        raise unknown("device", device, DEVICES)
    facts = machine.here()
    if device is None and not facts.is_metal:
        print(_no_metal(facts), file=sys.stderr)
        return NO_METAL
    kind = (device or "GPU").upper()
    return check(kind, names, apple=facts.is_metal and kind == "GPU")


def check(kind: str, names: Sequence[str], *, apple: bool) -> int:
    """Makes the checks on the first device of a kind, prints the report, and returns 0 only if all is right.

    With `apple`, the ReLU is also tried without the plugin's switch, in processes of their own.
    """
    machine.start_tensorflow()
    import tensorflow as tf

    from experiments.checks.metal import relu, report, steps

    device = f"{kind}:0"
    listed = tf.config.list_physical_devices(kind)
    findings = [*report.surroundings(device), _found(tf, kind, listed)]
    findings += report.of_left_out(steps.left_out(names))
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
    from experiments.checks.metal.report import Line

    if not listed:
        others = ", ".join(each.name for each in tf.config.list_physical_devices())
        return Line("device", f"TensorFlow lists no {kind}, only {others}", right=False)
    name = tf.config.experimental.get_device_details(listed[0]).get("device_name", "no name given")
    return Line("device", f"{listed[0].name} ({name})", right=True)


def _no_metal(facts: machine.Facts) -> str:
    plugin = f"with {machine.PLUGIN} {facts.plugin}" if facts.plugin else f"without {machine.PLUGIN}"
    return (
        f"There is no Apple GPU for TensorFlow here, and nothing was checked: it needs macOS on arm64 with "
        f"{machine.PLUGIN}, and this is {facts.system} on {facts.machine} {plugin}; --device CPU makes the same "
        "checks on the CPU."
    )


COMMANDS = (
    Command(
        "conformance",
        "checks",
        "test the documented promises on Keras's optimizers and on tfoptim's",
        conformance,
        (
            option("--rows", nargs="+", default=[], metavar="ROW", help="some rows: D1a, or D3 for D3a, D3b and so on"),
            option("--json", type=Path, metavar="FILE", help="also write the verdicts as JSON"),
            option("--markdown", type=Path, metavar="PAGE", help="also replace the table in a documentation page"),
        ),
        (
            ("--rows D1", "a fault of Keras that tfoptim's optimizers do not have"),
            ("--json /tmp/verdicts.json", "all rows, as a table for programs"),
        ),
    ),
    Command(
        "metal-check",
        "checks",
        "check on a Mac with an Apple GPU what only such a machine can show",
        metal_check,
        (
            option("--device", metavar="DEVICE", help="make the same checks on the CPU, or on any GPU: CPU or GPU"),
            shared.OPTIMIZERS,
        ),
        (("", "on the Mac's GPU"), ("--device CPU --optimizers adam", "the same checks elsewhere, of one optimizer")),
        "exit codes: 0 passed, 1 a check failed, 2 bad input, 3 no Apple GPU for TensorFlow on this machine",
    ),
)
