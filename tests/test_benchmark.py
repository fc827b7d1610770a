"""Every contestant trains: an epoch on few digits."""
import importlib.util
import sys

import numpy as np
import pytest

import benchmark
from conftest import import_tensorflow, slice_mnist


@pytest.mark.parametrize("name", benchmark.CONTESTANTS)
def test_contestant(name, request, tmp_path, monkeypatch):
    python = request.config.getoption("--python36") if name == "2018" else sys.executable
    library = name.split("-")[0]
    if not python or library in ("torch", "jax") and not importlib.util.find_spec(library):
        pytest.skip("needs --python36, or for PyTorch and JAX tests/requirements-backends.txt")
    if name in ("lenet5", "keras", "arithmetic"):
        import_tensorflow()
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")      # compiling takes PyTorch minutes on two slow cores
    np.savez(tmp_path / "few.npz", **slice_mnist(4000, 1000))
    result = benchmark.compete(name, python, 1, tmp_path / "few.npz")
    assert result["seconds"] < result["process"]
    if name == "arithmetic":
        assert result["rate"] > 1e9
    else:
        assert result["accuracy"] > .2 and 0 < result["first_epoch"] < result["process"]
        assert 1e8 < result["memory"] < 1e10
