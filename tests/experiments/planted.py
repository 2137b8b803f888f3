"""A violation of each rule: the check that has to find it, the spoilt study, and words of the sentence."""

import dataclasses

from experiments import runs
from experiments.lint import comparisons, mixtures, scores, searches, studies
from tests.experiments.sound import (
    RECORDS,
    SOUND,
    STUDY,
    accurate,
    all_of,
    cheaper,
    costing,
    curve,
    holed,
    infinite,
    lost,
    made,
    made_with,
    more,
    of_choice,
    of_entry,
    of_run,
    of_study,
    of_summary,
    rate,
    timed,
    uncounted,
)

PLANTED = [
    (comparisons.strangers, lambda: of_run(study="0" * 64), r"another study .*: Adam seed 4\.$"),
    (searches.refused, lambda: dataclasses.replace(SOUND, refused="The trials do not lead to it."), "do not lead"),
    (mixtures.mixed_versions, lambda: made_with(tensorflow="2.18.1"), r"versions of tensorflow .*2\.18\.1, "),
    (mixtures.mixed_source, lambda: made_with(source="0123456789"), "sources are mixed: .*01234567"),
    (mixtures.mixed_devices, lambda: made_with(system="Darwin arm64"), "devices are mixed: Darwin arm64, "),
    (mixtures.mixed_precision, lambda: of_summary(precision="mixed_float16"), "precisions .*: float32, mixed_float16"),
    (
        mixtures.mixed_data,
        lambda: of_summary(data_sha256={**RECORDS[-1].summary["data_sha256"], "train": "other"}),
        "The train data differ between runs",
    ),
    (mixtures.parallel_timing, lambda: more(timed(3000, timing="not-for-timing")), "trained beside others: Adam"),
    (
        mixtures.parallel_timing,
        lambda: dataclasses.replace(more(timed(3000)), records=(*RECORDS, timed(3000), timed(3001, cpus=99))),
        "different machines of times are mixed: .*99 CPUs",
    ),
    (studies.chosen_on_training, lambda: of_study(data="deepobs_fashion_mnist"), "are training examples"),
    (searches.saw_test, lambda: of_summary(0, data_sha256=RECORDS[-1].summary["data_sha256"]), "SGD seed 1000"),
    (searches.not_chosen, lambda: of_run(learning_rate=0.5), r"not chosen: Adam seed 4\.$"),
    (searches.not_chosen, lambda: dataclasses.replace(SOUND, choices=None), "15 runs have test scores before anything"),
    (studies.few_seeds, lambda: of_study(seeds=(0, 1, 2, 3)), "S = 4: fewer than 5 evaluation seeds"),
    (studies.few_seeds, lambda: of_study(budget="standard"), "S = 5: the budget 'standard' stands for 10"),
    (searches.unequal_trials, lambda: dataclasses.replace(SOUND, trials=SOUND.trials[1:]), "SGD has 15 trials, Mom"),
    (
        searches.unequal_trials,
        lambda: dataclasses.replace(SOUND, trials=tuple(t for t in SOUND.trials if t.label != "Adam")),
        "Adam has 0 trials",
    ),
    (
        comparisons.unequal_steps,
        lambda: all_of("SGD", lambda r: dataclasses.replace(r, run=dataclasses.replace(r.run, batch_size=64))),
        "SGD 2 epochs in batches of 64, Momentum 2 epochs in batches of 128",
    ),
    (comparisons.unequal_steps, lambda: curve(cheaper), "Gradients differ: .*Adam took 7"),
    (comparisons.uncounted, lambda: curve(uncounted), r"not counted: Adam seed 4\.$"),
    (searches.windows, lambda: of_choice("Adam", window=(1e-4, 1e-2)), "Adam was chosen from 2 decades"),
    (searches.foreign_points, lambda: rate(0.0123), r"not at the points of the search: SGD 0 at 0\.0123\.$"),
    (
        searches.foreign_points,
        lambda: dataclasses.replace(SOUND, trials=(dataclasses.replace(SOUND.trials[0], index=99), *SOUND.trials[1:])),
        "SGD 99",
    ),
    (searches.boundaries, lambda: of_choice("SGD", boundary=True), "The best of SGD lies at the edge"),
    (scores.excluded, lambda: all_of("SGD", accurate(0.05)), "inclusion violated: Momentum contains SGD and is worse"),
    (
        scores.excluded,
        lambda: all_of("Momentum", lambda r: dataclasses.replace(r, status="diverged")),
        "Momentum contains SGD and is worse",
    ),
    (
        searches.uncertain,
        lambda: dataclasses.replace(
            SOUND, trials=tuple(lost(t) if (t.label, t.index > 0) == ("Adam", True) else t for t in SOUND.trials)
        ),
        "Adam has no band of the expected best of k trials: 1 of its points ended",
    ),
    (
        searches.miscounted,
        lambda: costing("Adam", runs=15),
        r"Adam took 15 runs .* and 128,000 gradients, and its records took 16 runs",
    ),
    (searches.miscounted, lambda: costing("Adam", gradients=1), r"and 1 gradients, and .*and 128,000 gradients"),
    (searches.miscounted, lambda: costing("SGD", widened=8), r"SGD took 16 runs \(8 after widening\)"),
    (studies.schedules, lambda: of_entry(schedule="constant"), "SGD have another schedule than the study's, 'warmup-"),
    (comparisons.unpaired, lambda: of_summary(weights_sha256="others"), "initial weights of seed 4 differ"),
    (comparisons.unpaired, lambda: of_summary(order_sha256="another"), "order of the examples of seed 4 differ"),
    (
        studies.shared_seeds,
        lambda: of_study(tuning=dataclasses.replace(STUDY.tuning, seeds=(1000, 3))),
        "Seeds 3 are for tuning and for evaluation",
    ),
    (
        comparisons.tuned_seeds,
        lambda: more(made(STUDY.optimizers[0], 1000, runs.EVALUATION, SOUND.choices["SGD"].values)),
        r"in a reported mean: SGD seed 1000\.$",
    ),
    (comparisons.repeated, lambda: more(RECORDS[-1]), "more than once: Adam seed 4"),
    (comparisons.unequal_grids, lambda: curve(holed), "one for each pass from 0: Adam seed 4"),
    (
        comparisons.partial,
        lambda: of_summary(examples={**RECORDS[-1].summary["examples"], "validation": 384}),
        r"Adam seed 4 \(validation 384 of 500\)",
    ),
    (scores.void_target, lambda: dataclasses.replace(SOUND, target=0.1), r"The target 0\.1 is void: half of the runs"),
    (scores.void_target, lambda: dataclasses.replace(SOUND, target=0.99), "is void: no optimizer ever reaches it"),
    (comparisons.missing, lambda: dataclasses.replace(SOUND, records=RECORDS[:-1]), r"missing: Adam seed 4\.$"),
    (scores.not_finite, lambda: curve(infinite), "not marked as diverged: Adam seed 4"),
    (
        studies.toys,
        lambda: of_study(task="rosenbrock", data="rosenbrock", budget="standard", seeds=tuple(range(10))),
        "'standard' is for claims, but rosenbrock is an illustration",
    ),
]
