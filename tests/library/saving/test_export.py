"""An exported training step trains on as the original does, where there is TensorFlow and no tfoptim."""

import json
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.saving.models import BATCH, OPTIMIZERS, ROUNDING, STEPS, TABLE, losses

GO_ON = """
import json, pathlib, sys
import numpy, tensorflow
batch = tensorflow.constant(numpy.load(sys.argv[1] + "/x.npy"))
losses = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/")):
    loaded = tensorflow.saved_model.load(str(path))
    step = loaded.signatures["train"]
    losses[path.name] = [float(step(x=batch)["loss"]) for _ in range(int(sys.argv[2]))]
assert "tfoptim" not in sys.modules
print(json.dumps(losses))
"""


class Training(tf.Module):
    """A table, a matrix and a vector, and the optimizer that trains them."""

    def __init__(self, optimizer, units=2):
        """Builds the optimizer."""
        super().__init__()
        starts = (TABLE, np.full((3, units), 0.5, "float32"), np.full(units, 0.1, "float32"))
        self.weights = [keras.Variable(w, name=f"weight_{i}") for i, w in enumerate(starts)]
        self.optimizer = optimizer
        optimizer.build(self.weights)

    @tf.function(input_signature=[tf.TensorSpec([8, 3], name="x")])
    def train(self, x):
        """One step, sparse in the table."""
        table, matrix, vector = (v.value for v in self.weights)
        with tf.GradientTape() as tape:
            rows = tf.nn.embedding_lookup(table, [1, 3, 1, 0, 0, 2, 3, 1])
            loss = tf.reduce_mean(((x + rows) @ matrix + vector) ** 2)
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, [table, matrix, vector]), self.weights)
        return {"loss": loss}


class Compiled(keras.Model):
    """A compiled model with a step of its own."""

    def __init__(self):
        """One layer with statistics."""
        super().__init__()
        self.layer, self.norm = keras.layers.Dense(1), keras.layers.BatchNormalization()

    def call(self, x, training=False):
        """The layer's answer."""
        return self.norm(self.layer(x), training=training)

    @tf.function(input_signature=[tf.TensorSpec([8, 3], name="x")])
    def train(self, x):
        """One step towards the first column."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - x[:, :1]) ** 2)
        gradients = tape.gradient(loss, [v.value for v in self.trainable_variables])
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


def compiled(optimizer):
    """The model, after an epoch."""
    keras.utils.set_random_seed(2)
    model = Compiled()
    model.compile(optimizer, "mse", jit_compile=False)
    model.fit(BATCH, BATCH[:, :1], batch_size=8, verbose=0)
    return model


def archive(model, folder):
    """Exports by Keras's archive, which saves the variables that its endpoints use and no others."""
    kept = keras.export.ExportArchive()
    kept.track(model)
    kept.add_endpoint("train", model.train)
    kept.write_out(folder, verbose=False)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The losses after the export, here and in a process without tfoptim, by name."""
    folder, here = tmp_path_factory.mktemp("exported"), {}
    np.save(folder / "x.npy", BATCH)
    for name, make in OPTIMIZERS.items():
        module = Training(make(), units=30_000 if name == "large" else 2)
        losses(module.train, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            tf.saved_model.save(module, str(folder / name), signatures={"train": module.train})
        here[name] = losses(module.train)
    module = Training(tfoptim.Adam(0.1))
    module.optimizer.beta_1, module.optimizer.learning_rate = 0.5, 0.05
    module.optimizer.apply([tf.ones(v.shape) for v in module.weights], module.weights)
    tf.saved_model.save(module, str(folder / "assigned_numbers"), signatures={"train": module.train})
    here["assigned_numbers"] = losses(module.train)
    for name, optimizer in {"archive": tfoptim.Nadam(0.1), "archive_large": OPTIMIZERS["loss_scale"]()}.items():
        model = compiled(optimizer)
        archive(model, folder / name)
        here[name] = losses(model.train)
    model = compiled(tfoptim.AdamW(0.1, use_ema=True))
    tf.saved_model.save(model, str(folder / "model"), signatures={"train": model.train})
    here["model"] = losses(model.train)
    command = [sys.executable, "-c", GO_ON, folder, str(STEPS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return here, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OPTIMIZERS, "assigned_numbers", "archive", "archive_large", "model"])
def test_exported_step_trains_on_like_the_original(name, exported):
    """The same losses, in a process that has TensorFlow alone."""
    here, there = exported
    np.testing.assert_allclose(there[name], here[name], rtol=ROUNDING)
    assert len(set(here[name])) > 1, "nothing was trained"


def test_numbers_are_in_the_export_and_in_no_checkpoint(tmp_path):
    """A SavedModel has no config to take them from; files of variables stay as they are."""
    module = Training(tfoptim.Adam(0.1))
    names = [name for name, _ in tf.train.list_variables(tf.train.Checkpoint(module=module).save(tmp_path / "c"))]
    assert not [name for name in names if "hyperparameters" in name]
    assert not [v.path for v in module.optimizer.variables if "hyperparameters" in v.path]
    tf.saved_model.save(module, str(tmp_path / "saved"))
    names = [name for name, _ in tf.train.list_variables(str(tmp_path / "saved" / "variables" / "variables"))]
    assert len([name for name in names if "hyperparameters" in name]) == 1


def test_archive_saves_what_kernels_update(tmp_path):
    """Kernels take handles, which no graph counts as a use of the variable unless it is told."""
    model = compiled(tfoptim.Adam(0.1))
    used = {v.name for v in model.train.get_concrete_function().variables}
    assert {v.value.name for v in model.optimizer.variables} <= used
    archive(model, tmp_path / "saved")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(losses(loaded.train, 2), losses(model.train, 2), rtol=ROUNDING)


def test_a_double_precision_step_is_exported_in_double_precision(tmp_path):
    """TFLite could not run it in any case, and nothing of it may be left to float32."""
    weight = keras.Variable(np.ones(2), dtype="float64")
    module = tf.Module()
    module.weight, module.optimizer = weight.value, tfoptim.Adam(0.1)
    module.optimizer.build([weight])

    @tf.function(input_signature=[])
    def train():
        module.optimizer.apply([tf.constant([0.1, -3.0], tf.float64)], [weight])
        return {"weight": tf.convert_to_tensor(weight.value)}

    module.train = train
    tf.saved_model.save(module, str(tmp_path), signatures={"train": train})
    step = tf.saved_model.load(str(tmp_path)).signatures["train"]
    for _ in range(3):
        np.testing.assert_allclose(step()["weight"], train()["weight"], rtol=1e-15)  # one rounding
