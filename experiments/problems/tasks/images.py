"""Image problems, one declaration each: the project's ConvNet and U-Nets, and the small classifiers.

To add a problem, write how its model is built and declare it in `IMAGES`. Keras's global seed decides the weights,
`dropout` the dropout keys. The logistic regression, the MLP and the 2c2d network have the layers and initial
distributions of DeepOBS (Schneider, Balles and Hennig, 2019), without dropout or L2 penalty.
"""

from typing import Any

from experiments.problems.datasets.augment import BRAIN, HEART
from experiments.problems.tasks.base import digits
from experiments.problems.tasks.segmentation import slices


def _classifier(*layers: Any) -> Any:
    """Returns a classifier of images of 28 x 28 pixels, from its layers behind the input."""
    import keras

    return keras.Sequential([keras.Input((28, 28, 1)), *layers])


def _convnet(dropout: int) -> Any:
    """Returns the ConvNet of the project that this one redoes.

    Convolution 5x5 of 32 filters, ReLU, max pooling 2; convolution 3x3 of 64 filters, ReLU, max pooling 2; dense layer
    of 1,024 without activation; dropout of one half; dense layer of 10 logits. Valid padding throughout, Keras's
    default initialisation (Glorot uniform, biases 0).
    """
    from keras import layers

    return _classifier(
        layers.Conv2D(32, 5, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(1024),
        layers.Dropout(0.5, seed=dropout),
        layers.Dense(10),
    )


def _logistic(dropout: int) -> Any:
    from keras import layers

    return _classifier(layers.Flatten(), layers.Dense(10, kernel_initializer="zeros", bias_initializer="zeros"))


def _mlp(dropout: int) -> Any:
    from keras import initializers, layers

    def dense(units: int, activation: str | None) -> Any:
        weights = initializers.TruncatedNormal(stddev=0.03)  # cut at two standard deviations, and not rescaled
        return layers.Dense(units, activation, kernel_initializer=weights, bias_initializer="zeros")

    return _classifier(layers.Flatten(), dense(1000, "relu"), dense(500, "relu"), dense(100, "relu"), dense(10, None))


def _2c2d(dropout: int) -> Any:
    from keras import initializers, layers

    def initial() -> dict[str, Any]:
        weights = initializers.TruncatedNormal(stddev=0.05)  # cut at two standard deviations, and not rescaled
        return {"kernel_initializer": weights, "bias_initializer": initializers.Constant(0.05)}

    def convolution(filters: int) -> Any:
        return layers.Conv2D(filters, 5, padding="same", activation="relu", **initial())

    return _classifier(
        *(convolution(32), layers.MaxPooling2D(2, 2)),
        *(convolution(64), layers.MaxPooling2D(2, 2)),
        layers.Flatten(),
        layers.Dense(1024, "relu", **initial()),
        layers.Dense(10, **initial()),
    )


def _brain(dropout: int) -> Any:
    """Returns a small U-Net; an epoch has nine steps, so that the averages of batch normalisation must follow fast."""
    from experiments.problems.unet import SMALL, unet

    return unet((112, 96, 1), 3, SMALL, dropout=0, bias=False, momentum=0.9, seed=dropout)


def _atrium(dropout: int) -> Any:
    from experiments.problems.unet import unet

    return unet((320, 320, 1), 1, seed=dropout)


def _ventricles(dropout: int) -> Any:
    """Returns a U-Net of one level less than the original project's, since 200 x 200 halves three times."""
    from experiments.problems.unet import unet

    return unet((200, 200, 1), 4, (16, 32, 64, 128), seed=dropout)


def _hippocampus(dropout: int) -> Any:
    """Returns a U-Net so small that ten seeds of many optimizers take an evening."""
    from experiments.problems.unet import unet

    return unet((64, 48, 1), 3, (8, 16, 32), dropout=0, bias=False, momentum=0.9, seed=dropout)


CLASSIFIERS = (
    ("logreg", "logistic regression 784-10", 7_850, _logistic),
    ("mlp", "MLP 784-1000-500-100-10", 1_336_610, _mlp),
    ("2c2d", "2c2d network, 2 convolutions and 2 dense layers", 3_274_634, _2c2d),
)
IMAGES = {
    task.name: task
    for task in (
        digits("mnist_orig", "ConvNet (1,669,002 parameters)", 1_669_002, _convnet, data="mnist_5k", dropout=True),
        *(
            digits(f"{kind}_{name}", title, parameters, build, data=data)
            for kind, data in (("mnist", "mnist_5k"), ("fmnist", "fashion_mnist"))
            for name, title, parameters, build in CLASSIFIERS
        ),
        slices(
            "mni152",
            "U-Net 16-32-64",
            130_547,
            _brain,
            ("background", "grey matter", "white matter"),
            dropout=False,
            augmentation=BRAIN,
            data="mni152_tissue/noise06",
        ),
        slices(
            "msd_hippocampus",
            "U-Net 8-16-32",
            33_019,
            _hippocampus,
            ("background", "anterior", "posterior"),
            dropout=False,
            augmentation=None,
            by_case=True,
        ),
        slices(
            "msd_heart",
            "U-Net 16-32-64-128-256",
            2_164_305,
            _atrium,
            ("background", "left atrium"),
            dropout=True,
            augmentation=HEART,
        ),
        slices(
            "acdc",
            "U-Net 16-32-64-128",
            538_372,
            _ventricles,
            ("background", "right ventricle", "myocardium", "left ventricle"),
            dropout=True,
            augmentation=HEART,
        ),
    )
}
