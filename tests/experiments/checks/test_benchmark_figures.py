"""Every figure of the benchmark is what its name says: known answers for times, ratios, memory, counts and tables."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from experiments.checks.benchmark import clock, measure, output, plan, speed, tables
from experiments.checks.benchmark.contenders import Contender, operations
from experiments.checks.benchmark.plan import Pair, Row
from experiments.checks.benchmark.subjects import MEAN_OVER, RULES, SETS
from experiments.errors import UserError
from experiments.records import files

ABOUT = {
    "cpu": "a processor",
    "cores": "2",
    "system": "Linux",
    "commit": "abc",
    "date": "2026-01-01",
    "command": "typed",
}


def test_traffic_is_the_least_that_a_rule_can_move():
    """Adam reads weights, gradients and two slots, and writes all but the gradients: seven numbers a weight."""
    assert measure.traffic(RULES["adam"], SETS["mlp"]) == 4 * 7 * SETS["mlp"].elements
    assert measure.traffic(RULES["sgd"], SETS["mlp"]) == 4 * 3 * SETS["mlp"].elements
    assert measure.traffic(RULES["adam_lazy"], SETS["table"]) == 4 * 7 * 768 * 64
    assert measure.traffic(RULES["adam"], SETS["table"]) == 4 * (6 * 64_000_000 + 768 * 64)


def test_a_ratio_does_not_move_with_the_machine():
    """One repetition on a machine five times slower changes no ratio, and no single call does."""
    theirs, ours = [[2.0, 2.0, 90.0], [10.0, 10.0, 10.0]], [[1.0, 1.0, 1.0], [5.0, 5.0, 80.0]]
    assert clock.ratio(theirs, ours) == (2.0, 2.0, 2.0)


def test_quartiles_have_the_known_values():
    """Linear between neighbours, as NumPy's percentiles are."""
    values = [3.0, 1.0, 10.0, 4.0]
    assert clock.quartiles(values) == pytest.approx(np.percentile(values, [25, 50, 75]))
    assert clock.quartiles([7.0]) == (7.0, 7.0, 7.0)


def test_calls_alternate_and_slow_steps_are_called_less():
    """Every round calls the fast ones once; a slow one gets the calls that its time allows."""
    called = []
    steps = {name: lambda name=name: called.append(name) for name in ("fast", "other", "slow")}
    estimates = {"fast": 0.001, "other": 0.001, "slow": 1.0}
    times = clock.interleave(steps, 4, 2, dict.fromkeys(steps, 2.0), estimates)
    assert {name: [len(part) for part in parts] for name, parts in times.items()} == {
        "fast": [4, 4],
        "other": [4, 4],
        "slow": [2, 2],
    }
    fast_and_other = [name for name in called if name != "slow"]
    assert all(set(fast_and_other[i : i + 2]) == {"fast", "other"} for i in range(0, len(fast_and_other), 2))


@pytest.mark.parametrize("calls", range(1, 8))
def test_calls_are_spread_over_the_rounds(calls):
    """As many as allowed, and no two gaps differ by more than one round."""
    turns = [turn for turn in range(7) if clock.plays(turn, calls, 7)]
    assert calls == len(turns)
    gaps = np.diff([-1, *turns])
    assert gaps.max() - gaps.min() <= 1
    assert (7, 1) == (clock.allowed(7, 10.0, 0.001), clock.allowed(7, 0.1, 60.0))


def test_operations_are_counted_through_functions():
    """What a called function holds counts, once, with its arguments and results."""

    @tf.function(autograph=False)
    def inner(x):
        return x + x * x

    outer = tf.function(lambda: inner(tf.constant(2.0)), autograph=False)
    flat = tf.function(lambda: tf.constant(2.0) * 3.0, autograph=False)
    names = {node.name for node in flat.get_concrete_function().graph.as_graph_def().node}
    assert len(names) == operations(flat)
    inside = outer.get_concrete_function().graph.as_graph_def()
    assert operations(outer) == len(inside.node) + len(inside.library.function[0].node_def)
    assert {"AddV2", "Mul"} <= {node.op for node in inside.library.function[0].node_def}


@pytest.mark.skipif(not clock.CLEAR.exists(), reason="only Linux counts the peak")
def test_extra_memory_of_a_known_array_is_found():
    """64 MB held in a call, to an eighth: after other tests a process takes back some MB that trimming gave away."""
    size = 64 * 2**20
    assert clock.peak_extra(lambda: np.ones(size, np.uint8).sum()) == pytest.approx(size, abs=size / 8)
    assert clock.peak_extra(lambda: None) == pytest.approx(0, abs=size / 8)


def test_extra_memory_is_unknown_where_the_system_does_not_tell(monkeypatch, tmp_path):
    """No figure is made up."""
    monkeypatch.setattr(clock, "CLEAR", tmp_path / "missing" / "clear_refs")
    assert clock.peak_extra(lambda: None) is None


def test_bandwidth_counts_two_readings_and_a_writing(monkeypatch):
    """A sum of two arrays of 4,000 bytes that takes two seconds moves 6,000 bytes a second."""
    monkeypatch.setattr(clock, "timed", lambda work: 2.0)
    assert clock.bandwidth(size=4000) == 6000


def row(rule="adam", name="mlp", contender="keras", ratio=2.0, **more):
    """A row with plain figures."""
    figures = {"median_ms": ratio, "lower_ms": ratio, "upper_ms": ratio, "minimum_ms": ratio, "calls": 1}
    return Row(rule, name, contender, ratio=ratio, ratio_low=ratio, ratio_high=ratio, **{**figures, **more})


def test_rows_are_read_as_they_were_written():
    """With what is unknown, and with where they were measured."""
    found = [row(operations_per_variable=11.5, extra_bytes=12), Row("gd", "mlp", "keras-xla", failure="it, failed")]
    assert plan.read(Row, plan.as_csv(found, ABOUT)) == (found, ABOUT)


def test_the_mean_of_a_rule_needs_all_of_its_sets():
    """A mean over some sets would flatter or slander."""
    found = [row(name=name, ratio=ratio) for name, ratio in zip(MEAN_OVER, (1.0, 2.0, 4.0, 8.0), strict=True)]
    assert tables.mean_ratio(found, "adam") == pytest.approx(2**1.5)
    assert tables.mean_ratio(found[1:], "adam") is None
    assert tables.headline(found).cells[0][-1] == "2.83"
    assert "The lowest is 1.00: Adam, MLP." in tables.headline(found).notes


def test_steps_in_a_loop_have_a_table_of_their_own():
    """Of the medians of both; a set on which one of them was not measured leaves a gap, and no mean."""
    found = [
        row(contender=f"{who}-loop", name=name, median_ms=ms, ratio=1.0)
        for name in MEAN_OVER
        for who, ms in (("ours", 2.0), ("keras", 6.0))
    ]
    assert compared(found)["Keras's time over ours, in a compiled loop"] == ("Adam", *["3.00"] * 5)
    found[0] = dataclasses.replace(found[0], rule="gd")
    assert compared(found)["Keras's time over ours, in a compiled loop"] == ("Adam", "3.00", "3.00", "3.00", "-")


def compared(rows):
    """The first line of each table of two contenders that were measured."""
    return {grid.title: grid.cells[0] for grid in tables.compared(rows) if grid.cells}


def test_the_native_operation_has_tables_of_its_own():
    """Single calls are compared with single calls, loops with loops, torch's fused step with both."""
    medians = {"native": 2.0, "keras": 8.0, "native-loop": 1.0, "keras-loop": 5.0, "torch-fused": 1.5}
    found = [row("adam", name, who, 1.0, median_ms=ms) for name in MEAN_OVER for who, ms in medians.items()]
    assert {title: cells[-1] for title, cells in compared(found).items()} == {
        "Keras's time over the native operation's, in a compiled loop": "5.00",
        "torch's fused time over the native operation's in a compiled loop": "1.50",
        "Keras's time over the native operation's, single call": "4.00",
        "torch's fused time over the native operation's, single call": "0.75",
    }


def test_the_figure_of_speed_shows_means_over_all_sets_and_nothing_else(tmp_path):
    """Rules by Keras's time; what was not measured on all four sets is left out, a rule without Keras's too."""
    medians = {"native-loop": 2.0, "keras-loop": 6.0, "torch-fused": 3.0, "ours-loop": 4.0}
    found = [
        row(rule, name, who, median_ms=ms if rule == "adam" else ms + 1.0)
        for rule in ("gd", "adam")
        for name in MEAN_OVER
        for who, ms in medians.items()
        if (rule, who, name) != ("gd", "torch-fused", "mlp")
    ]
    found += [row("lion", name, "native-loop") for name in MEAN_OVER]
    means = {
        "adam": {"keras-loop": 3.0, "torch-fused": 1.5, "ours-loop": 2.0},
        "gd": {"keras-loop": 7 / 3, "ours-loop": 5 / 3},
    }
    assert list(speed.times(found)) == list(means)
    for rule, expected in means.items():
        assert speed.times(found)[rule] == pytest.approx(expected)
    output.write(found, ABOUT, tmp_path)
    words = (tmp_path / "speed.svg").read_text(encoding="utf-8")
    title = "Keras's step takes 2.3 (GD) to 3.0 (Adam) times as long as ours, torch's fused step 1.5 (Adam) times"
    assert title.replace("'", "&#x27;") in words
    assert speed.draw([row()], ABOUT, (), tmp_path / "none") == []


def test_parts_measured_one_after_the_other_are_drawn_together(tmp_path):
    """With the command of each; parts of different machines are refused."""
    for folder, name, more in (
        ("a", "mlp", {}),
        ("b", "unet", {"command": "second", "bandwidth_gb_s": 2.4}),
        ("c", "unet", {"cpu": "other"}),
    ):
        files.write(tmp_path / f"{folder}.csv", plan.as_csv([row(name=name)], {**ABOUT, "bandwidth_gb_s": 1.0, **more}))
    output.redraw([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "whole")
    found, about = plan.read(Row, (tmp_path / "whole" / "benchmark.csv").read_text(encoding="utf-8"))
    assert [one.set for one in found] == ["mlp", "unet"]
    assert about["command"] == f"{ABOUT['command']}, then second"
    assert about["bandwidth_gb_s"] == "1 to 2"
    with pytest.raises(UserError, match="must have the same cpu, got a processor and other"):
        output.redraw([tmp_path / "a.csv", tmp_path / "c.csv"], tmp_path / "whole")


def test_a_faster_torch_is_told():
    """By how much, and on which variables."""
    found = [row(contender="torch-fused", ratio=0.5), row(contender="torch-fused", name="unet", ratio=2.0)]
    assert list(tables.fused(found)) == ["torch's fused Adam is faster than ours: 2.0 times on MLP."]
    assert list(tables.fused(found[1:])) == ["torch's fused Adam is nowhere faster than ours."]


def test_what_a_library_cannot_do_is_told_and_stops_nothing(monkeypatch):
    """A contender that fails gets a row with the reason, and the others get their times."""

    def broken():
        raise ValueError("not this way\nand a long story")

    playing = {"ours": Contender(lambda: None, list), "keras": Contender(broken, list)}
    monkeypatch.setattr(measure, "contenders", lambda rule, arrays, names: playing)
    bench = measure.Bench(measure.Settings(rounds=2, repetitions=1), 1e9)
    ours, theirs = bench.measure(Pair(RULES["sgd"], SETS["table_1k"], ("ours", "keras")))
    assert theirs == Row("sgd", "table_1k", "keras", failure="ValueError: not this way")
    assert (ours.calls, ours.ratio) == (2, 1.0)
    notes = tables.of_set([ours, theirs], "table_1k").notes
    assert "Keras, graph failed for SGD: ValueError: not this way" in notes


def test_the_figure_is_drawn_again_from_its_table(tmp_path):
    """With one panel a set, and its words."""
    found = [row(contender=who, name=name) for name in ("mlp", "table") for who in ("ours", "keras", "keras-eager")]
    output.write(found, ABOUT, tmp_path / "a")
    output.redraw([tmp_path / "a" / "benchmark.csv"], tmp_path / "b")
    for kind in ("png", "svg", "csv", "md"):
        first, second = ((tmp_path / folder / f"benchmark.{kind}").read_bytes() for folder in "ab")
        assert first == second
    words = (tmp_path / "a" / "benchmark.svg").read_text(encoding="utf-8")
    for text in (SETS["mlp"].words, SETS["table"].words, "2 cores", "measured by: typed", "logarithmic axis"):
        assert text in words
    drawn = {name for name in plan.CONTENDERS if not name.endswith(("eager", "loop"))}
    assert set(output.LOOKS) == drawn
