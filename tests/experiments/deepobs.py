"""Raw runs of DeepOBS, and the ways in which tests look at them."""

import numpy as np

from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import generator

# Final epochs of DeepOBS's baselines (Schneider, Balles and Hennig, 2019; MIT licence), seeds 42 to 51: correct test
# images out of 9,984, and test losses with three decimals.
CORRECT = {
    "F-MNIST": {
        "SGD": (9203, 9223, 9223, 9249, 9210, 9188, 9208, 9226, 9189, 9206),
        "Momentum": (9225, 9209, 9211, 9227, 9202, 9198, 9162, 9193, 9201, 9169),
        "Adam": (9279, 9214, 9238, 9206, 9238, 9213, 9191, 9234, 9174, 9207),
    },
    "CIFAR-10": {
        "SGD": (8369, 8059, 8408, 8291, 8365, 8466, 8486, 8323, 8438, 8367),
        "Momentum": (8455, 8470, 8380, 8490, 8356, 8477, 8456, 8501, 8334, 8356),
        "Adam": (8490, 8474, 8495, 8500, 8419, 8449, 8475, 8476, 8390, 8451),
    },
}
LOSSES = {
    "Momentum": (87.040, 87.038, 87.025, 87.070, 87.041, 86.996, 87.072, 87.071, 87.068, 87.030),
    "Adam": (87.120, 87.144, 87.068, 87.076, 87.123, 87.122, 87.121, 87.122, 87.096, 87.128),
}


def rng():
    """The random generator of a table."""
    return generator("study", "table")


def by_seed(values, first=42):
    """Values with the seeds that they belong to."""
    return dict(enumerate(values, first))


def table(problem):
    """Test accuracies of a problem."""
    return {label: by_seed(np.array(correct) / 9984) for label, correct in CORRECT[problem].items()}


def told(table, a, b):
    """The comparison of two optimizers of a table."""
    (row,) = compare({a: table[a], b: table[b]}, rng(), higher_is_better=True)
    return row


def means(table):
    """The mean of each optimizer."""
    return {label: float(np.mean(list(runs.values()))) for label, runs in table.items()}
