"""lenet5.py on Keras' other backends trains as on TensorFlow."""
import importlib.util

import numpy as np
import pytest

import lenet5
from conftest import read_run, run, slice_mnist
from support.weights import load_weights

# After an epoch on so few digits, TensorFlow's accuracies over 8 seeds spread by .015
# (their standard deviation): three of those of a difference.
NOISE = 3 * np.sqrt(2) * .015


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """A function that trains for an epoch on a backend; returns the record and the path of the weights."""
    folder = tmp_path_factory.mktemp("backends")
    np.savez(folder / "digits.npz", **slice_mnist(4000, 1000))

    def train(backend):
        process = run("--mnist", folder / "digits.npz", "--epochs", 1, "--batch-size", 32, "--seed", 0,
                      "--logs", folder / backend, KERAS_BACKEND=backend,
                      OMP_NUM_THREADS="1")      # PyTorch's threads stand in each other's way on a busy machine
        assert (process.returncode, process.stderr) == (0, "")
        return read_run(folder / backend)
    return train


@pytest.fixture(scope="module")
def expected(train):
    return train("tensorflow")[0]["test_accuracy"]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_epoch(train, expected, backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"needs {backend}: pip install -r tests/requirements-backends.txt")
    record, weights = train(backend)
    assert record["backend"] == backend and record["layers"] == "keras"
    assert record["versions"][backend] and record["history"]["val_loss"] == [record["test_loss"]]
    assert abs(record["test_accuracy"] - expected) < NOISE
    lenet, digits = lenet5.build_lenet(), slice_mnist(1, 1000)
    load_weights(lenet, str(weights))
    loss, accuracy = lenet.evaluate(*lenet5.preprocess(digits["x_test"], digits["y_test"]), verbose=0)
    assert loss == pytest.approx(record["test_loss"], rel=1e-5) and accuracy == pytest.approx(record["test_accuracy"])
