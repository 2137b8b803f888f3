"""One process for each variable set: TensorFlow keeps the graphs of a process, and each set would slow the next."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from experiments.checks.benchmark import plan
from experiments.checks.benchmark.rows import Row
from experiments.checks.benchmark.rules import RULES
from experiments.checks.benchmark.sets import SETS
from experiments.errors import RunsFailed

if TYPE_CHECKING:
    from experiments.checks.benchmark.measure import Settings

Name = tuple[str, str, tuple[str, ...]]
"""Names of a pair's rule, set and contenders."""


def measured(pairs: Sequence[plan.Pair], settings: Settings, bandwidth: float) -> Iterator[tuple[plan.Pair, list[Row]]]:
    """Measures pairs, those of one set together in a process of their own, and yields the rows of each.

    Args:
        pairs: set by set.
        settings: how long is measured.
        bandwidth: the memory's speed in bytes a second.

    Raises:
        RunsFailed: a process ended before it had measured all.
    """
    for name, group in itertools.groupby(pairs, key=lambda pair: pair.set.name):
        of_set = list(group)
        names = [(pair.rule.name, pair.set.name, pair.contenders) for pair in of_set]
        receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(names, settings, bandwidth, sender), daemon=True
        )
        process.start()
        sender.close()  # the process has its own, whose end is the end of the pipe
        try:
            for pair in of_set:
                yield pair, receiver.recv()
        except EOFError:
            process.join()
            raise RunsFailed(f"The process that measured '{name}' ended with code {process.exitcode}.") from None
        finally:
            process.kill()
            process.join()


def serve(names: Sequence[Name], settings: Settings, bandwidth: float, sender: Connection) -> None:
    """Measures pairs, given by name, and sends the rows of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    from experiments import terminal
    from experiments.checks.benchmark import measure

    terminal.start_tensorflow()
    bench = measure.Bench(settings, bandwidth)
    bench.warm_up()
    gc.freeze()  # what is imported stays: without this, each collection looks through all of TensorFlow
    for rule, variables, contenders in names:
        sender.send(bench.measure(plan.Pair(RULES[rule], SETS[variables], contenders)))
