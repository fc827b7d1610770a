"""lenet5.py on Keras' other backends trains as on TensorFlow."""
import importlib.util

import pytest

import lenet5
from conftest import read_run, run
from support.weights import load_weights

# After two epochs on so few digits, the accuracies of eight seeds spread by this on TensorFlow (standard deviation)
SPREAD = .020


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend, finished, digits, tmp_path):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"needs {backend}: pip install -r tests/requirements-backends.txt")
    process = run(*finished.arguments, tmp_path, KERAS_BACKEND=backend,
                  OMP_NUM_THREADS="1")      # PyTorch's threads stand in each other's way on a busy machine
    assert (process.returncode, process.stderr) == (0, "")
    record, weights = read_run(tmp_path)
    assert record["backend"] == backend and record["versions"][backend] and record["layers"] == "keras"
    assert record["history"]["val_loss"][-1] == record["test_loss"]
    assert abs(record["test_accuracy"] - finished.record["test_accuracy"]) < 3 * 2 ** .5 * SPREAD
    lenet = lenet5.build_lenet()
    load_weights(lenet, str(weights))
    lenet5.compile_lenet(lenet)
    loss, accuracy = lenet.test_on_batch(*lenet5.preprocess(digits["x_test"], digits["y_test"]))
    assert loss == pytest.approx(record["test_loss"], rel=1e-5) and accuracy == pytest.approx(record["test_accuracy"])
