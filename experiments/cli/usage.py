"""What the command line says of its commands: what each is for, and examples, of which newcomers see the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """What is said of a command: its purpose in a line, and examples: what to type after its name, and for what."""

    help: str
    examples: tuple[tuple[str, str], ...]
    more: str = ""

    @property
    def sentence(self) -> str:
        """The purpose as a sentence."""
        return f"{self.help[0].upper()}{self.help[1:]}."


COMMANDS: Mapping[str, Words] = {
    "compare": Words(
        "train what is missing, then draw figures and table",
        (
            ("", "all of the study `mnist`, figures in static/"),
            ("mnist --optimizers adam sgd --seeds 10 --out /tmp/figures", "a part of it, with more seeds"),
            ("mnist --epochs 3", "a quick look: another budget, same rates"),
            ("mni152 --tier quick", "four optimizers segment a brain, in minutes"),
            ("mnist --dry-run", "how many runs are missing, and how long they will take"),
        ),
    ),
    "tune": Words(
        "choose the learning rates of a study on validation data",
        (("mnist", "choose the learning rates again"), ("mnist --dry-run", "how many runs that takes")),
    ),
    "target": Words(
        "set the score that counts as solved, by a pool of tuned optimizers",
        (("mnist", "set the score that counts as solved"), ("mnist --dry-run", "how many runs that takes")),
    ),
    "time": Words(
        "take the times of steps, one short run after the other, for the report",
        (
            ("mnist", "how long steps take, on a machine that does nothing else"),
            ("mnist --dry-run", "how many runs, and how long they take"),
            ("mnist --epochs 2", "shorter runs"),
            ("mnist --again", "once more, since the machine was busy"),
        ),
        "Each run is short, has the machine to itself and a process of its own, at the learning rate that was chosen;\n"
        "the optimizers take turns. Seconds in reports come from these runs alone. Close other programs first.",
    ),
    "run": Words(
        "train what is missing of a study, and draw nothing",
        (
            ("mnist --dry-run", "how many runs are missing, and how long they will take"),
            ("mnist --shard 2/4", "the second of four shares, for any scheduler"),
            ("mnist --engine slurm --engine-option slurm_partition=cpu --jobs 32", "on a cluster of Slurm"),
            ("mnist --engine ray --engine-option address=auto", "on the cluster of Ray that this machine is in"),
            ("mnist --tuning --jobs 8", "the runs that choose the learning rates"),
        ),
    ),
    "status": Words(
        "say how the runs of a study, or all, stand",
        (("", "how all runs stand"), ("mnist", "those of one study")),
    ),
    "resume": Words(
        "go on with every run that was interrupted or failed",
        (("", "go on with whatever was interrupted"), ("mnist --jobs 1", "one run at a time, of one study")),
    ),
    "clean": Words(
        "remove what no study needs: dead leases, temporary files, attempts that did not count",
        (
            ("--dry-run", "what could be removed"),
            ("mnist", "remove it, for one study"),
            ("--finished mnist-1a2b3c4d", "remove all runs of a folder, finished ones too"),
        ),
    ),
    "report": Words(
        "write the report of what is recorded: a page, Markdown and CSV",
        (
            ("mnist --out /tmp/report", "one page of what is recorded; trains nothing"),
            ("mnist --optimizers adam sgd --target 0.9", "of two optimizers, with the times to a score"),
        ),
    ),
    "reproduce": Words(
        "set results beside what is known: DeepOBS's, and minima of functions",
        (("functions", "how near to the minima of functions"), ("deepobs_quadratic --seeds 1", "beside DeepOBS's")),
    ),
    "lint": Words(
        "name the rules that a study, its choices or its records break",
        (("", "of all studies"), ("mnist mine.toml", "of two of them")),
    ),
    "prepare": Words(
        "read in a data set that you downloaded: msd_heart or acdc",
        (("msd_heart ~/Downloads/Task02_Heart.tar", "read in what you downloaded"),),
    ),
    "list": Words(
        "list studies, data sets, tasks and optimizers",
        (("", "what there is to choose from"),),
    ),
    "doctor": Words(
        "say what of packages, devices, data and space is here, and how to get what is not",
        (("", "whether this machine has all it needs"),),
        "Exit code 1 when something is missing that every study needs.",
    ),
    "find-lr": Words(
        "test between which learning rates an optimizer makes progress",
        (
            ("mnist", "between which rates momentum learns, for cyclic rates"),
            ("mnist --optimizer adam --high 1", "the same of Adam, up to a rate of 1"),
        ),
    ),
    "conformance": Words(
        "measure promises on Keras's optimizers and on tfoptim's",
        (
            ("--rows D1", "what Keras gets wrong, and tfoptim's optimizers do not"),
            ("--json /tmp/verdicts.json", "all of it, as a table for programs"),
        ),
    ),
    "benchmark": Words(
        "measure how fast a step is, beside Keras's and torch's",
        (
            ("--quick", "how fast a step is, beside Keras's and torch's"),
            ("--rules adam --rounds 5 --out /tmp/speed", "of one rule, on all sets of variables"),
        ),
    ),
    "mirror": Words(
        "show recorded runs in TensorBoard or MLflow",
        (("mnist tensorboard", "write what is recorded for TensorBoard"), ("mnist mlflow", "the same for MLflow")),
    ),
    "metal-check": Words(
        "confirm on a Mac with an Apple GPU what only that can confirm",
        (("", "on the Mac's GPU"), ("--device CPU --optimizers adam", "the same checks elsewhere, of one optimizer")),
        "exit codes: 0 all right, 1 a check failed, 2 bad input, 3 no Apple GPU for TensorFlow on this machine",
    ),
}
CODES = "exit codes: 0 all done, 1 something failed, 2 bad input, 3 another process has it, 130 or 143 interrupted"


def epilog(command: str | None = None) -> str:
    """Returns what stands under the help of a command, or of the whole: examples, and what else there is to say."""
    if command is None:
        first = [(name, *words.examples[0]) for name, words in COMMANDS.items()]
        return f"examples:\n{_lines(first)}\n\n{CODES}"
    words = COMMANDS[command]
    shown = f"examples:\n{_lines([(command, *example) for example in words.examples])}"
    return f"{words.more}\n\n{shown}" if words.more else shown


def _lines(examples: list[tuple[str, str, str]]) -> str:
    typed = [f"python -m experiments {name} {words}".strip() for name, words, _ in examples]
    width = min(max(map(len, typed)), 60)
    return "\n".join(f"  {line:<{width}}  {why}" for line, (_, _, why) in zip(typed, examples, strict=True))
