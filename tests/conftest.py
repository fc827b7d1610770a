"""What the tests share: a slice of MNIST, lenet5.py in a process, and its refusals."""
import importlib.util
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import lenet5           # before keras, for it loads Keras without chatter
from support import mnist

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BACKEND = "tensorflow" if importlib.util.find_spec("tensorflow") else "jax"     # that has to be chosen
IGNORED = [] if BACKEND == "tensorflow" else ["ignore:__array__ implementation"]        # where warnings are errors


def pytest_addoption(parser):
    parser.addoption("--python36", metavar="PATH", help="a Python 3.6 with requirements.txt: the published stack")


def import_tensorflow():
    return pytest.importorskip("tensorflow", reason="needs TensorFlow, which requirements.txt has up to Python 3.13")


def slice_mnist(training, test):
    """Return the first of MNIST's training and test digits."""
    return {name: digits[:training if "train" in name else test] for name, digits in mnist.load_digits().items()}


@pytest.fixture(scope="session")
def digits():
    return slice_mnist(2000, 500)


@pytest.fixture(scope="session")
def digits_npz(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, **digits)
    return path


@pytest.fixture(scope="session")
def batch(digits):
    """Three hundred images and labels, as fit takes them."""
    return lenet5.preprocess(digits["x_train"][:300], digits["y_train"][:300])


def run(*arguments, python=sys.executable, preexec_fn=None, **environment):
    """Run lenet5.py in a process of its own."""
    return subprocess.run([str(part) for part in (python, "lenet5.py", *arguments)], cwd=ROOT, text=True, timeout=600,
                          env=dict(os.environ, **environment), capture_output=True, preexec_fn=preexec_fn)


def read_run(logs):
    """Return the record of a folder's only run, and the path of its weights."""
    (record,), (weights,) = logs.glob("*.json"), logs.glob("*.h5")
    return json.loads(record.read_text()), weights


@pytest.fixture(scope="session")
def finished(digits_npz, tmp_path_factory):
    """A run of two epochs: arguments, process, logs folder, record, and the path of the weights."""
    logs = tmp_path_factory.mktemp("logs") / "new" / "folder"
    arguments = ["--mnist", digits_npz, "--epochs", 2, "--batch-size", 20, "--seed", 5, "--logs"]
    process = run(*arguments, logs)
    assert process.returncode == 0, process.stderr
    record, weights = read_run(logs)
    return SimpleNamespace(arguments=arguments, process=process, logs=logs, record=record, weights=weights)


@pytest.fixture
def refused(capsys):
    """A function that asserts that arguments are refused before any training, by one line that has the given words."""
    def check(*arguments, words=()):
        capsys.readouterr()
        assert lenet5.main([str(argument) for argument in arguments]) == 2
        out, error = capsys.readouterr()
        assert "Epoch" not in out
        assert error.count("\n") == 1 and error.startswith("lenet5.py: ") and len(error) < 1000
        assert all(str(word) in error for word in words), error
    return check
