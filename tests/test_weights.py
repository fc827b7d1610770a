"""Files of weights go from any run into any network, and no other files do."""
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

import lenet5
from support import weights
from support.speed.accelerate import accelerate
from values import HERE

KERAS_2 = HERE / "series" / "keras-2" / "00.weights.h5"


@pytest.fixture(scope="module")
def lenet(finished):
    """The network of the finished run, compiled."""
    lenet = lenet5.build_lenet()
    lenet5.compile_lenet(lenet)
    weights.load_weights(lenet, str(finished.weights))
    return lenet


def are_same(lenet, other):
    return all(map(np.array_equal, lenet.get_weights(), other.get_weights()))


@pytest.mark.filterwarnings("error")
def test_keras_loads_the_weights_of_a_run(finished, lenet):
    for other in lenet5.build_lenet(), accelerate(lenet5.build_lenet()):
        other.load_weights(finished.weights)
        assert are_same(other, lenet)


@pytest.mark.parametrize("name, save", {
    "a.weights.h5": lambda lenet, path: lenet.save_weights(path),       # with the optimizer's
    "a.keras": lambda lenet, path: lenet.save(path), "a.h5": lambda lenet, path: lenet.save(path)}.items())
def test_what_is_loaded(lenet, tmp_path, name, save):
    save(lenet, str(tmp_path / name))
    other = lenet5.build_lenet()
    weights.load_weights(other, str(shutil.move(tmp_path / name, tmp_path / "any name")))
    assert are_same(other, lenet)


def test_weights_of_keras_2():
    lenet = lenet5.build_lenet()
    weights.load_weights(lenet, str(KERAS_2))
    with h5py.File(KERAS_2, "r") as file:
        for name in "C1", "C3", "C5", "F6", "Output":
            assert np.array_equal(lenet.get_layer(name).kernel, file[f"{name}/{name}/kernel:0"])
            assert np.array_equal(lenet.get_layer(name).bias, file[f"{name}/{name}/bias:0"])


conv, dense = keras.layers.Conv2D, keras.layers.Dense


@pytest.mark.parametrize("ending, change", [
    (".weights.h5", lambda layers: layers[:2] + [keras.layers.BatchNormalization()] + layers[2:]),
    (".keras", lambda layers: layers[:7] + [dense(84), dense(10)]),
    (".h5", lambda layers: layers[:3] + [conv(16, 3), layers[4], conv(120, 6)] + layers[6:])],
    ids=["batch normalisation", "84 units", "kernels"])
def test_other_networks(refused, digits_npz, tmp_path, change, ending):
    other = keras.Sequential([keras.layers.InputLayer((32, 32, 1)), *change(lenet5.build_lenet().layers)])
    path = tmp_path / ("other" + ending)
    (other.save_weights if "weights" in ending else other.save)(path)
    refused("--mnist", digits_npz, "--evaluate", path, words=[path, "of another network"])


def test_other_files(finished, refused, digits_npz, tmp_path):
    for name, content in {"text": b"text", "empty": b"", "cut": finished.weights.read_bytes()[:-2000]}.items():
        (tmp_path / name).write_bytes(content)
    with h5py.File(tmp_path / "hdf5", "w") as file:
        file["x"] = [1]
    zipfile.ZipFile(tmp_path / "zip", "w").close()
    for path in tmp_path.iterdir():
        refused("--mnist", digits_npz, "--evaluate", path, words=[path, "weights come as"])
    refused("--mnist", digits_npz, "--evaluate", tmp_path / "none", words=["none: No such file"])
    refused("--mnist", digits_npz, "--evaluate", tmp_path, words=[f"{tmp_path}: Is a directory"])
