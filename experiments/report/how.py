"""How to read each figure: the sentences of its caption."""

from __future__ import annotations

from experiments.analysis import curves, timing_table
from experiments.analysis.cost_rows import timed
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Claims
from experiments.analysis.statistics.aggregates import LEAST_PROBLEMS
from experiments.analysis.time_rows import missing
from experiments.figures.illustrations import EVERY
from experiments.text import Table

BREAK = "strokes across an axis: it does not begin at 0."
DOTS = "Dot: a seed; diamond and bar: mean with its 95 % interval (expanded bootstrap over seeds);"
TIED = "line at the right: not distinguishable from the best mean on the test set;"
PAIRED = (
    "Dot: the best mean minus this optimizer, in one seed; diamond and bar: mean of the differences with its 95 % "
    "interval (expanded paired bootstrap); right:"
)
VERDICT = "the verdict on this optimizer, p corrected for all pairs, P(the best is better)."
NUMBERS_ALONE = "p corrected for all pairs and P(the best is better); no claim is made from them."
CHANCES = (
    "Left: interquartile mean of the test score with its 95 % interval (expanded bootstrap over seeds); a diverged run "
    "counts as 0. Right: P(row better than column), every run of one against every run of the other, ties count half; "
    "ring: 0.75 or more"
)
NEEDED = ", which a claim needs in addition to its interval and p."
BY_SEED = (
    "One problem, so the columns are its seeds: test score, and below it the rank in that seed. Colour: score minus "
    "that of the median optimizer in that seed, blue better, orange worse. Last column: interquartile mean and half "
    "the width of its 95 % interval. Hatched: diverged."
)
RATES = (
    "Dot: a run; line: median over the tuning seeds; ring: chosen; dashed: documented default; cross: diverged. Grey: "
    "outer tenths of the last range; a best value there widens the search. Bar: values that lose less than a point (of "
    "a loss, 1 %), linear between those tried. Arrow: the best is the outermost value tried; the optimum may lie "
    "further out."
)
AMONG = (
    "Dot: a run, whose other hyperparameters vary; ring: chosen; dashed: documented default; cross: diverged. Grey: "
    "outer tenths of the last range; a best value there widens the search. Arrow: the best is the outermost value "
    "tried; the optimum may lie further out. Line, and bar of the values within a point of the best: where nothing "
    "else was tuned."
)
RELATIVE = (
    "Median validation score over the tuning seeds against the learning rate, as a multiple of the optimizer's own "
    "best. After each name: the decades of rates that lose less than a point (of a loss, 1 %), linear between those "
    "tried; ≥: they reach to the end of the range tried. Cross: the lowest rate that diverged."
)
BEST_OF = (
    "Line: expected validation score of the best of k trials, drawn without replacement from those of the last search; "
    "band: 90 % of 10,000 bootstraps of the trials. A line begins where it is no longer likely that all k trials "
    "diverged."
)
TIMES = (
    "Bar: median over seeds of the first evaluation whose validation score meets the target; whisker: quartiles; dot: "
    "a seed. A run that never meets it counts as infinite and is never left out."
)
FASTER = (
    "Above: how many times faster than {}, at the right for each; an infinite median counts as the budget plus one "
    "epoch and gives a bound."
)
SHARES = (
    "Share of runs whose validation score has met the target within a number of epochs. What is missing to 1 at the "
    "end never met it and is never left out."
)
ONE_PROBLEM = "A problem is here one seed of the only problem."
PROFILES = (
    "Left: share of problems that an optimizer brings to the target within a multiple of the fastest one's epochs; "
    "middle: the same without the best optimizer, because the first panel identifies only the best; right: within a "
    "number of epochs, with no reference to others."
)
UNSOLVED = "What is never solved lies beyond the axis."
PAIRS = (
    "Performance profiles of two optimizers at a time, which no third can change: share of problems brought to the "
    "target within a multiple of the faster one's epochs. In brackets: share on which it is the fastest."
)
NO_PROFILES = "Profiles: refused, because the target does not distinguish two optimizers here."
COSTS = (
    "Point: mean test score after the last epoch; bar: its 95 % interval. Line: the frontier, optimizers whose mean no "
    "other reaches at the same or a lower cost."
)
TIMED = "Times: median of the timing pass. Memory: optimizer state per parameter, measured in the same pass."
DECLARED = "Memory: optimizer state per parameter, as the optimizer declares it."
SPENT = (
    "All recorded work of each optimizer: the search, the part added by widening its ranges, the evaluation, and "
    "attempts whose result does not count: interrupted, failed, or repeated after a change of code."
)
HOURS = "Core hours: wall-clock time multiplied by the threads that a run may use, compilation and evaluation included."
UNTIMED = (
    "Unit: gradients of single examples, because the evidence of the search has no times; hours appear where all runs "
    "are recorded on one machine."
)
PATHS = (
    f"Illustration, not evidence: two functions of two numbers say nothing about networks. {curves.STEPS} steps of the "
    f"rule from the published start; marker: every {EVERY} steps; star: a minimum. Each has the rate that ends lowest, "
    f"of {curves.EACH} a decade in {curves.DECADES} decades around its default, widened at edges; cycles have "
    f"{curves.CYCLE} steps. Right: how far f is above its minimum."
)
MAP = "Mean test score after the last epoch, and half its 95 % interval (expanded bootstrap over seeds)"
STAR = "; star: not distinguishable from the best mean of that problem"
PLACES = (
    ". Colour: place on the scale from the value at step 0 to the best that any run reached, minus that of the median "
    "optimizer, blue better, orange worse. Last column: interquartile mean of those places over problems and seeds, "
    "half its interval (stratified bootstrap), and the mean rank. Hatched: diverged."
)
CHANCES_OVER = (
    "Left: interquartile mean over problems and seeds of scores on the scale from the value at step 0, 0, to the best "
    "that any run reached, 1, with its 95 % interval (stratified bootstrap, expanded). Right: P(row better than "
    "column), every run of one against every run of the other on each problem, ties count half, mean over problems; "
    "ring: 0.75 or more."
)
CRITICAL = (
    "Mean rank over problems, by the median score of each, 1 the best; bar: optimizers whose mean ranks differ by less "
    "than the critical difference of Nemenyi's test at 5 %, which does not distinguish them (Demšar, 2006). Means over "
    "problems hide where an optimizer wins: see the scores of each problem."
)
SPEED = (
    "Dot: a problem, median over seeds of the epochs to its target, that of {} divided by the optimizer's; diamond: "
    "geometric mean over problems. An infinite median counts as the budget plus one epoch; open: one of the two is "
    "infinite."
)
UNIT = "A problem's time is the median over seeds of the epochs to its own target."


def dots(claims: Claims) -> str:
    """Returns how to read the dots; ties are drawn only where claims may be made."""
    return " ".join((DOTS, TIED, BREAK) if claims.allowed else (DOTS, BREAK))


def differences(claims: Claims) -> str:
    """Returns how to read the differences."""
    return f"{PAIRED} {VERDICT if claims.allowed else NUMBERS_ALONE}"


def chances(claims: Claims) -> str:
    """Returns how to read the matrix; where nothing may be claimed, a ring is a number and no part of a claim."""
    return CHANCES + (NEEDED if claims.allowed else ".")


def overview(claims: Claims) -> str:
    """Returns how to read the heat map over problems; a problem has stars only where claims may be made."""
    return MAP + (STAR if claims.allowed else "") + PLACES


def times(table: Table) -> str:
    """Returns how to read the times to a target, and which of its levels are not drawn."""
    reference = table[0]["reference"]
    return " ".join((TIMES, *([FASTER.format(reference)] if reference else []), *missing(table)))


def void(times: Table) -> str:
    """Returns the sentence that names the problems whose target is void, which give no times (rule B14), or nothing."""
    names = dict.fromkeys(row["problem"] for row in times if row["void"])
    return f" Left out, because the target is void: {', '.join(names)}." if names else ""


def costs(evidence: Evidence) -> str:
    """Returns how to read the costs, and where there are no times why, and the command that takes them."""
    return f"{COSTS} {f'{DECLARED} {evidence.untimed}' if evidence.untimed else TIMED}"


def spent(table: Table) -> str:
    """Returns how to read what was computed for each optimizer."""
    return f"{SPENT} {HOURS if timed(table) else UNTIMED}"


def timing(evidence: Evidence) -> str:
    """Returns how to read the timing pass, and on what machine its times were taken."""
    found = evidence.timings
    epochs = found[0].run.epochs
    length = "1 epoch" if epochs == 1 else f"{epochs} epochs, the first of which is not timed"
    machine = found[0].environment.get("machine") or {}
    on = f"{machine.get('cpu', 'a processor of unknown name')}, {machine.get('memory_gib', '?')} GiB"
    sgd = next((row.reference for row in timing_table.rows(found, evidence.study)), "")
    times = f" Numbers with x: the median divided by that of {sgd}." if sgd else ""
    return (
        f"Dot: a repetition; line and bar: median and quartiles.{times} Runs of {length}, one at a time, each in its "
        f"own process with one thread, the optimizers in turn, on {on}."
    )


def no_diagram(problems: int, optimizers: int) -> str:
    """Returns the sentence that refuses the critical-difference diagram, empty where it can be drawn (rule B18)."""
    if problems < LEAST_PROBLEMS:
        are = "there is 1" if problems == 1 else f"there are {problems}"
        return (
            f"Critical-difference diagram: refused, because a test of mean ranks needs {LEAST_PROBLEMS} problems, "
            f"and {are}."
        )
    return "" if optimizers > 1 else "Critical-difference diagram: refused, because there is one optimizer to rank."


def unclaimed(claims: Claims) -> str:
    """Returns the sentence that refuses the diagram where nothing may be claimed, empty where it may."""
    return "" if claims.allowed else f"Critical-difference diagram: refused; {claims.words}."
