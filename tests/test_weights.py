"""Files of weights go from any run into any network."""
import random
import warnings

import h5py
import keras
import numpy as np
import pytest

import lenet5
from conftest import damage
from support import weights
from support.command_line import UserError
from support.fast import accelerate


@pytest.fixture
def lenet():
    return lenet5.build_lenet()


def are_same(lenet, other):
    return all((a == b).all() for a, b in zip(lenet.get_weights(), other.get_weights()))


@pytest.mark.parametrize("accelerated", [False, True], ids=["plain", "accelerated"])
def test_keras_loads_the_weights_of_a_run(finished, lenet, accelerated):
    network = accelerate(lenet5.build_lenet()) if accelerated else lenet5.build_lenet()
    with warnings.catch_warnings(record=True) as caught:
        network.load_weights(finished.weights)
    assert all("for optimizer" in str(warning.message) for warning in caught)    # whose state is not in the file
    weights.load_weights(lenet, str(finished.weights))
    assert are_same(network, lenet)


def test_weights_are_loaded_without_a_warning(finished, lenet, recwarn):
    weights.load_weights(lenet, str(finished.weights))
    keras.Model(lenet.inputs, lenet.outputs).load_weights(finished.weights)     # without an optimizer
    assert not [warning for warning in recwarn if warning.category is UserWarning]


@pytest.mark.parametrize("accelerated", [False, True], ids=["plain", "accelerated"])
def test_weights_go_both_ways(lenet, tmp_path, accelerated):
    saved = accelerate(lenet5.build_lenet()) if accelerated else lenet5.build_lenet()
    (tmp_path / "any name").write_bytes(weights.to_hdf5(saved))
    loaded = lenet if accelerated else accelerate(lenet)
    weights.load_weights(loaded, str(tmp_path / "any name"))
    assert are_same(saved, loaded)


def test_foreign_files(refused, tmp_path):
    other = keras.Sequential([keras.layers.InputLayer((4,)), keras.layers.Dense(3)])
    smaller = keras.Sequential([keras.layers.InputLayer((32, 32, 1)), keras.layers.Conv2D(5, 5)])
    for name, network in {"other": other, "smaller": smaller}.items():
        network.save_weights(tmp_path / f"{name}.weights.h5")
    (tmp_path / "text").write_text("text")
    (tmp_path / "empty").write_text("")
    with h5py.File(tmp_path / "hdf5", "w") as file:
        file["x"] = [1]
    for path in [*tmp_path.iterdir(), tmp_path / "none", tmp_path]:
        refused("--evaluate", path, words=[str(path)])


def test_damaged_files_are_refused_or_the_same(finished, lenet, tmp_path):
    weights.load_weights(lenet, str(finished.weights))
    content, path, chance, refused = finished.weights.read_bytes(), tmp_path / "damaged", random.Random(0), 0
    network = lenet5.build_lenet()
    for case in range(100):
        path.write_bytes(damage(content, chance))
        network.set_weights([np.zeros_like(weight) for weight in lenet.get_weights()])
        try:
            weights.load_weights(network, str(path))
            assert are_same(network, lenet), case
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 50
