"""Every contestant trains: an epoch on few digits."""
import importlib.util
import sys

import numpy as np
import pytest

import benchmark
from conftest import slice_mnist

NEEDS = {"torch": "torch", "torch-compiled": "torch", "jax": "jax"}


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "digits.npz"
    np.savez(path, **slice_mnist(4000, 1000))
    return path


@pytest.mark.parametrize("name", benchmark.CONTESTANTS)
def test_contestant(name, few, request, monkeypatch):
    python = request.config.getoption("--python36") if name == "2018" else sys.executable
    if not python or not importlib.util.find_spec(NEEDS.get(name, "keras")):
        pytest.skip("needs --python36" if not python else f"needs {NEEDS[name]}: tests/requirements-backends.txt")
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")      # compiling takes PyTorch minutes on two slow cores
    result = benchmark.compete(name, python, 1, few)
    if name == "arithmetic":
        assert 0 < result["seconds"] < 10
    else:
        assert result["accuracy"] > .2
        assert 0 < result["first_epoch"] < result["process"] and result["seconds"] < result["process"]
        assert 1e8 < result["memory"] < 1e10
