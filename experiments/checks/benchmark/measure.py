"""Measures the steps of all contenders on a pair, in one process per variable set."""

import dataclasses
import gc
import itertools
import multiprocessing
import signal
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from experiments.checks.benchmark import clock
from experiments.checks.benchmark.clock import interleave, quartiles, ratio, timed
from experiments.checks.benchmark.contenders import Arrays, Contender, contenders
from experiments.checks.benchmark.plan import CONTENDERS, Pair, Row, has_torch
from experiments.checks.benchmark.subjects import RULES, Rule, VariableSet
from experiments.errors import RunsFailed

BYTES = 4  # of a float32
SLOW_SECONDS = 0.5  # a slower step is not called a second time before it is timed
MAIN = ("ours", "keras", "native", "ours-loop", "keras-loop", "native-loop")  # of the main ratios: more calls


@dataclasses.dataclass(frozen=True)
class Settings:
    """Length of a measurement."""

    rounds: int = 20  # per repetition; each calls every contender once
    repetitions: int = 3  # of all rounds; ratios are spread over them
    seconds: float = 0.3  # allowed for a contender in a repetition; four times as many for those of the main ratios


class Bench:
    """Measures pairs, and keeps the weights and gradients of the present set."""

    def __init__(self, settings: Settings, bandwidth: float) -> None:
        """Starts without a set; the memory bandwidth is in bytes per second."""
        self.settings, self.bandwidth = settings, bandwidth
        self._arrays: tuple[str, Any] = ("", None)

    def measure(self, pair: Pair) -> list[Row]:
        """Returns a row for each contender of a pair, also for one that fails."""
        if self._arrays[0] != pair.set.name:
            self._arrays = ("", None)  # frees the old set before the new one is drawn
            self._arrays = (pair.set.name, Arrays(pair.set))
        try:
            return self._measured(pair, contenders(pair.rule, self._arrays[1], pair.contenders))
        finally:
            gc.collect()  # graphs and their variables are reference cycles

    def warm_up(self) -> None:
        """Takes a step with every contender, so that no measured first call includes the start of the process."""
        known = [name for name in CONTENDERS if has_torch() or not name.startswith("torch")]
        tiny = VariableSet("warm-up", "warm-up", ((4, 4),))
        for contender in contenders(RULES["momentum"], Arrays(tiny), known).values():
            _start(contender)

    def _measured(self, pair: Pair, playing: dict[str, Contender]) -> list[Row]:
        started = {name: _start(contender) for name, contender in playing.items()}
        alive = {name: playing[name] for name, first in started.items() if first.failure is None}
        if "ours" not in alive:
            raise RuntimeError(f"{pair.rule.name} on {pair.set.name}: {started['ours'].failure}")
        times = interleave(
            {name: contender.step for name, contender in alive.items()},
            self.settings.rounds,
            self.settings.repetitions,
            {name: self.settings.seconds * (4 if name in MAIN else 1) for name in alive},
            {name: started[name].again for name in alive},
        )
        return [
            Row(
                rule=pair.rule.name,
                set=pair.set.name,
                contender=name,
                first_call_s=first.seconds if playing[name].steps == 1 else None,
                failure=first.failure,
                **(self._figures(pair, alive[name], times[name], times["ours"]) if name in alive else {}),
            )
            for name, first in started.items()
        ]

    def _figures(
        self, pair: Pair, contender: Contender, times: list[list[float]], reference: list[list[float]]
    ) -> Mapping[str, Any]:
        times = [[seconds / contender.steps for seconds in repetition] for repetition in times]
        calls = [seconds * 1e3 for repetition in times for seconds in repetition]
        lower, middle, upper = quartiles(calls)
        against, low, high = ratio(times, reference)
        extra = clock.peak_extra(contender.step, 1 if middle / 1e3 > SLOW_SECONDS else 2)
        moved = traffic(pair.rule, pair.set)
        count = contender.operations() if contender.operations else None
        return {
            "calls": len(calls),
            "median_ms": middle,
            "lower_ms": lower,
            "upper_ms": upper,
            "minimum_ms": min(calls),
            "ratio": against,
            "ratio_low": low,
            "ratio_high": high,
            "operations_per_variable": None if count is None else count / len(pair.set.shapes),
            "extra_bytes": extra,
            "extra_share": None if extra is None else extra / (BYTES * pair.set.elements),
            "traffic_bytes": moved,
            "bandwidth_share": moved / (middle / 1e3) / self.bandwidth,
        }


@dataclasses.dataclass(frozen=True)
class First:
    """First calls of a contender."""

    seconds: float | None = None  # of the first call, tracing and compiling included; None if it failed
    again: float = 0.0  # seconds of a warm call
    failure: str | None = None  # its error


def _start(contender: Contender) -> First:
    try:
        seconds = timed(contender.step)
        again = timed(contender.step)
        return First(seconds, again if again > SLOW_SECONDS else min(again, timed(contender.step)))
    except Exception as error:  # a step that a library cannot take is a result
        return First(failure=f"{type(error).__name__}: {next(_lines(str(error)), '')}"[:200])


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def traffic(rule: Rule, variables: VariableSet) -> int:
    """Returns the least bytes that a step must move, each touched row of a table counted once."""
    if rule.touched_rows or not variables.table:
        return BYTES * rule.traffic * variables.touched
    return BYTES * ((rule.traffic - rule.readings) * variables.elements + rule.readings * variables.touched)


def measured(pairs: Sequence[Pair], settings: Settings, bandwidth: float) -> Iterator[tuple[Pair, list[Row]]]:
    """Yields each pair with its rows, measured in one process per variable set; the pairs come set by set.

    TensorFlow keeps the graphs of a process: each set would slow down the next. The bandwidth is in bytes per second.
    """
    for name, group in itertools.groupby(pairs, key=lambda pair: pair.set.name):
        of_set = list(group)
        receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(of_set, settings, bandwidth, sender), daemon=True
        )
        process.start()
        sender.close()  # the process has its own; the pipe ends with it
        try:
            for pair in of_set:
                yield pair, receiver.recv()
        except EOFError:
            process.join()
            raise RunsFailed(f"The process that measured '{name}' ended with code {process.exitcode}.") from None
        finally:
            process.kill()
            process.join()


def serve(pairs: Sequence[Pair], settings: Settings, bandwidth: float, sender: Connection) -> None:
    """Measures pairs, and sends the rows of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends this one
    from experiments import machine

    machine.start_tensorflow()
    bench = Bench(settings, bandwidth)
    bench.warm_up()
    gc.freeze()  # otherwise each collection traverses all of TensorFlow
    for pair in pairs:
        sender.send(bench.measure(pair))
