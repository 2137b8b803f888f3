"""Tables of a benchmark of steps, as headings and cells."""

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from experiments.checks.benchmark.plan import CONTENDERS, Row, one
from experiments.checks.benchmark.subjects import MEAN_OVER, RULES, SETS

NOTHING = "-"
RATIO_IS = (
    "A ratio divides the median step times of a repetition, all contenders called in turn in one process; "
    "shown is the median of the repetitions, in brackets the lowest and highest."
)

RULES_ARE = (
    "RMSprop centered has a momentum of 0.9 besides. Adam lazy is measured against Keras's Adam: Keras has no such. "
    "Muon does more than Keras's, which leaves kernels of convolutions to Adam."
)


@dataclasses.dataclass(frozen=True)
class Grid:
    """A table: a title, its headings, its cells, and sentences under it."""

    title: str
    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Returns the table as a section of a Markdown page."""
        lines = [self.headings, ("---",) * len(self.headings), *self.cells]
        body = ["| " + " | ".join(cells) + " |" for cells in lines]
        return "\n".join([f"## {self.title}", "", *body, "", *(f"- {note}" for note in self.notes), ""])


def mean_ratio(rows: Sequence[Row], rule: str, contender: str = "keras") -> float | None:
    """Returns the geometric mean of a contender's time over ours, None unless all sets of `MEAN_OVER` are measured."""
    found = [one(rows, rule=rule, set=name, contender=contender) for name in MEAN_OVER]
    ratios = [row.ratio for row in found if row is not None and row.ratio is not None]
    return statistics.geometric_mean(ratios) if len(ratios) == len(MEAN_OVER) else None


def mean_over(rows: Sequence[Row], rule: str, theirs: str, ours: str) -> float | None:
    """Returns the geometric mean of one contender's median time over another's, None unless on all of these sets."""
    ratios = [a / b for name, a, b in _both(rows, rule, theirs, ours) if name in MEAN_OVER]
    return statistics.geometric_mean(ratios) if len(ratios) == len(MEAN_OVER) else None


def measured(rows: Sequence[Row]) -> tuple[list[str], list[str], list[str]]:
    """Returns the rules, sets and contenders of some rows, in their declared order."""
    seen = [{getattr(row, key) for row in rows} for key in ("rule", "set", "contender")]
    orders: tuple[Mapping[str, object], ...] = (RULES, SETS, CONTENDERS)
    rules, sets, contenders = ([name for name in order if name in s] for order, s in zip(orders, seen, strict=True))
    return rules, sets, contenders


def headline(rows: Sequence[Row]) -> Grid:
    """Returns Keras's time over ours for each rule and set, with the geometric mean."""
    rules, sets, _ = measured(rows)
    cells = [
        (
            RULES[rule].title,
            *(_spread(one(rows, rule=rule, set=name, contender="keras")) for name in sets),
            _times(mean_ratio(rows, rule)),
        )
        for rule in rules
        if any(one(rows, rule=rule, set=name, contender="keras") for name in sets)
    ]
    headings = ("rule", *(SETS[name].title for name in sets), "geometric mean of the first four")
    return Grid("Keras's time over ours, graph mode", headings, tuple(cells), (RATIO_IS, RULES_ARE, *_lowest(rows)))


def compared(rows: Sequence[Row]) -> list[Grid]:
    """Returns for each of `COMPARED` the ratios of medians on each set, with the geometric mean."""
    return [_compared(rows, title, *pair) for title, pair in COMPARED.items()]


def _compared(rows: Sequence[Row], title: str, theirs: str, ours: str) -> Grid:
    said = [note for ending, note in NOTES.items() if any(who.endswith(ending) for who in (theirs, ours))]
    found = {rule: {name: a / b for name, a, b in _both(rows, rule, theirs, ours)} for rule in measured(rows)[0]}
    sets = [name for name in SETS if any(name in ratios for ratios in found.values())]
    cells = [
        (RULES[rule].title, *(_times(ratios.get(name)) for name in sets), _times(mean_over(rows, rule, theirs, ours)))
        for rule, ratios in found.items()
        if ratios
    ]
    headings = ("rule", *(SETS[name].title for name in sets), "geometric mean of the first four")
    return Grid(title, headings, tuple(cells), (MEDIANS_ARE, *said))


COMPARED = {
    "Keras's time over the native operation's, in a compiled loop": ("keras-loop", "native-loop"),
    "torch's fused time over the native operation's in a compiled loop": ("torch-fused", "native-loop"),
    "Keras's time over the native operation's, single call": ("keras", "native"),
    "torch's fused time over the native operation's, single call": ("torch-fused", "native"),
    "Keras's time over ours, in a compiled loop": ("keras-loop", "ours-loop"),
}
MEDIANS_ARE = "A ratio is one of median times of a step."
NOTES = {
    "-loop": "A loop takes ten steps a call, as compiled training does.",
    "ours-loop": "Ours is without the native operation.",
    "-fused": "torch's step is called from Python everywhere.",
}


def _lowest(rows: Sequence[Row]) -> Iterator[str]:
    found = [(row.ratio, row) for row in rows if row.contender == "keras" and row.ratio is not None]
    if found:
        ratio, row = min(found, key=lambda pair: pair[0])
        yield f"The lowest is {ratio:.2f}: {RULES[row.rule].title}, {SETS[row.set].title}."


def of_set(rows: Sequence[Row], name: str) -> Grid:
    """Returns the step times of all contenders on one set, and further measurements of ours and Keras's."""
    here = [row for row in rows if row.set == name]
    rules, _, contenders = measured(here)
    both = [contender for contender in ("ours", "keras") if contender in contenders]
    extras: tuple[tuple[str, Callable[[Row], str]], ...] = (
        ("first call, s", lambda row: _number(row.first_call_s)),
        ("operations per variable", lambda row: _number(row.operations_per_variable)),
        ("extra memory, share of parameters", lambda row: _percent(row.extra_share)),
        ("share of memory speed", lambda row: _percent(row.bandwidth_share)),
    )
    titles = " / ".join("ours" if contender == "ours" else "Keras" for contender in both)
    cells = []
    for rule in rules:
        by_name = {contender: one(here, rule=rule, contender=contender) for contender in contenders}
        shown = [by_name[contender] for contender in both]
        pairs = (" / ".join(NOTHING if row is None else tell(row) for row in shown) for _, tell in extras)
        cells.append((RULES[rule].title, *(_milliseconds(row) for row in by_name.values()), *pairs))
    headings = ("rule", *(f"{CONTENDERS[c]}, ms" for c in contenders), *(f"{what}: {titles}" for what, _ in extras))
    quartiles = "Milliseconds of a step: median, in brackets lower and upper quartile, after them the fastest."
    return Grid(SETS[name].words, headings, tuple(cells), (quartiles, *_failures(here)))


def against(rows: Sequence[Row]) -> Grid:
    """Returns the time of each contender over our graph step, geometric mean over the measured sets."""
    rules, _, contenders = measured(rows)
    others = [contender for contender in contenders if contender != "ours"]
    cells = []
    for rule in rules:
        means = [
            [row.ratio for row in rows if (row.rule, row.contender) == (rule, other) and row.ratio is not None]
            for other in others
        ]
        eager = [a / b for _, a, b in _both(rows, rule, "keras-eager", "ours-eager")]
        shown = [_times(statistics.geometric_mean(found)) if found else NOTHING for found in (*means, eager)]
        cells.append((RULES[rule].title, *shown))
    headings = ("rule", *(CONTENDERS[other] for other in others), "Keras, eager over ours, eager")
    note = "Geometric mean over the variable sets on which the contender was measured; below 1 it is faster than ours."
    return Grid("Time over that of our graph step", headings, tuple(cells), (note, *fused(rows)))


def _both(rows: Sequence[Row], rule: str, theirs: str, ours: str) -> Iterator[tuple[str, float, float]]:
    """Yields the sets on which both contenders ran, with both medians."""
    for name in SETS:
        found = [one(rows, rule=rule, set=name, contender=who) for who in (theirs, ours)]
        first, second = (None if row is None else row.median_ms for row in found)
        if first is not None and second is not None:
            yield name, first, second


def fused(rows: Sequence[Row]) -> Iterator[str]:
    """Yields a note on the sets on which torch's fused Adam is faster than ours."""
    here = [row for row in rows if (row.rule, row.contender) == ("adam", "torch-fused") and row.ratio is not None]
    faster = [f"{1 / row.ratio:.1f} times on {SETS[row.set].title}" for row in here if row.ratio and row.ratio < 1]
    if faster:
        yield f"torch's fused Adam is faster than ours: {', '.join(faster)}."
    elif here:
        yield "torch's fused Adam is nowhere faster than ours."


def summary(rows: Sequence[Row]) -> Grid:
    """Returns the numbers of the promises, one per line."""
    return Grid("In short", ("what", "median", "lowest", "highest"), tuple(_promises(rows)))


def _promises(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    means = [mean for rule in measured(rows)[0] if (mean := mean_ratio(rows, rule)) is not None]
    looped, native, called = (
        [mean for rule in measured(rows)[0] if (mean := mean_over(rows, rule, *pair)) is not None]
        for pair in (("keras-loop", "ours-loop"), ("keras-loop", "native-loop"), ("keras", "native"))
    )
    eager = [a / b for rule in measured(rows)[0] for _, a, b in _both(rows, rule, "keras-eager", "ours-eager")]
    first = [
        theirs.first_call_s / ours.first_call_s
        for ours in rows
        if ours.contender == "ours" and ours.first_call_s
        if (theirs := one(rows, rule=ours.rule, set=ours.set, contender="keras")) and theirs.first_call_s
    ]
    largest = [row for row in rows if row.contender == "ours" and row.set == "bert_base"]
    extra = [row.extra_share for row in largest if row.extra_share is not None]
    for what, values, tell in (
        ("Keras's time over ours, graph mode, geometric means", means, _times),
        ("Keras's time over ours, in a compiled loop, geometric means", looped, _times),
        ("Keras's time over the native operation's, in a compiled loop, geometric means", native, _times),
        ("Keras's time over the native operation's, single call, geometric means", called, _times),
        ("Keras's time over ours, eager mode", eager, _times),
        ("Keras's first call over ours, graph mode", first, _times),
        ("Extra memory of our step on BERT-base, share of the parameters", extra, _percent),
    ):
        if values:
            yield what, *(tell(value) for value in (statistics.median(values), min(values), max(values)))
    for rule in ("adagrad", "adam_lazy"):
        if (value := _flatness(rows, rule)) is not None:
            yield f"Our {RULES[rule].title}: a table of 1 M rows over one of 1 k rows", _times(value), NOTHING, NOTHING


def _flatness(rows: Sequence[Row], rule: str) -> float | None:
    found = [one(rows, rule=rule, set=name, contender="ours") for name in ("table", "table_1k")]
    large, small = (None if row is None else row.median_ms for row in found)
    return large / small if large is not None and small is not None else None


def _failures(rows: Sequence[Row]) -> Iterator[str]:
    failed = [row for row in rows if row.failure]
    for contender in dict.fromkeys(row.contender for row in failed):
        mine = [row for row in failed if row.contender == contender]
        names = ", ".join(RULES[row.rule].title for row in mine)
        yield f"{CONTENDERS[contender]} failed for {names}: {mine[0].failure}"


def _spread(row: Row | None) -> str:
    if row is None or row.ratio is None:
        return NOTHING
    return f"{row.ratio:.2f} ({row.ratio_low:.2f} to {row.ratio_high:.2f})"


def _milliseconds(row: Row | None) -> str:
    if row is None or row.lower_ms is None or row.upper_ms is None:
        return NOTHING
    return f"{_number(row.median_ms)} ({_number(row.lower_ms)} to {_number(row.upper_ms)}), {_number(row.minimum_ms)}"


def _number(value: float | None) -> str:
    """Returns a number with three digits, or all digits before the point."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"
