"""The builder of `mnist_3500`, in the form of tensorflow-datasets: `mnist_5k` with a larger test set."""

from experiments.problems.datasets.mnist_5k import mnist_5k_dataset_builder as mnist_5k


class Builder(mnist_5k.Builder):
    """5,000 digits of 28 x 28 pixels, in the order of the committed index file."""

    DIVIDED = "3,500 / 500 / 1,000"
