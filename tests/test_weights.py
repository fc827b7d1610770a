"""Files of weights go from any run into any network, and no other files do."""
import os
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

import lenet5
from conftest import IGNORED
from support import weights
from support.speed import accelerate


@pytest.fixture(scope="module")
def lenet(finished):
    """The network of the finished run, compiled."""
    lenet = lenet5.build_lenet()
    lenet5.compile_lenet(lenet)
    weights.load_weights(lenet, str(finished.weights))
    return lenet


def are_same(lenet, other):
    return all(map(np.array_equal, lenet.get_weights(), other.get_weights()))


@pytest.mark.filterwarnings("error", *IGNORED)
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


def test_weights_of_keras_2_12(tmp_path, finished, lenet):
    """And of 2.13; older ones are loaded in test_evidence.py."""
    path, other = shutil.copy(finished.weights, tmp_path), lenet5.build_lenet()
    with h5py.File(path, "r+") as file:
        file.move("layers", "_layer_checkpoint_dependencies")
    weights.load_weights(other, str(path))
    assert are_same(other, lenet)


conv, dense = keras.layers.Conv2D, keras.layers.Dense


@pytest.mark.parametrize("ending, change", [
    (".weights.h5", lambda layers: layers[:2] + [keras.layers.BatchNormalization()] + layers[2:]),
    (".weights.h5", lambda layers: layers[:1] + [keras.layers.MaxPool2D(2)] + layers[2:]),
    (".keras", lambda layers: layers[:7] + [dense(84), dense(10)]),
    (".h5", lambda layers: layers[:3] + [conv(16, 3), layers[4], conv(120, 6)] + layers[6:]),
    (".h5", lambda layers: layers[:-1] + [dense(10, name="Letters")])],
    ids=["batch normalisation", "maximum", "84 units", "kernels", "names"])
def test_other_networks(refused, digits_npz, tmp_path, change, ending):
    other = keras.Sequential([keras.layers.InputLayer((32, 32, 1)), *change(lenet5.build_lenet().layers)])
    path = tmp_path / ("other" + ending)
    (other.save_weights if "weights" in ending else other.save)(path)
    refused("--mnist", digits_npz, "--evaluate", path, words=[path, "of another network"])


def write_large(path):
    """Three gigabytes that are declared, and not there."""
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/conv2d/vars/0", (750_000_000,), "f4", fillvalue=1)


def write_external(path):
    with h5py.File(path, "r+") as file:
        del file["layers/conv2d/vars/1"]
        file.create_dataset("layers/conv2d/vars/1", (6,), "f4", external=[("/dev/zero", 0, 24)])


def write_nan(path):
    with h5py.File(path, "r+") as file:
        file["layers/dense/vars/0"][3, 4] = np.nan


def write_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(10 ** 7 + 1))


@pytest.mark.parametrize("write, words", [
    (lambda path: path.write_bytes(path.read_bytes()[:-2000]), ""), (lambda path: path.write_bytes(b""), ""),
    (lambda path: zipfile.ZipFile(path, "w").close(), "model.weights.h5"), (write_bomb, "bytes, more than"),
    (lambda path: (path.unlink(), os.mkfifo(path)), "not a plain file"), (write_large, "of another network"),
    (write_external, "stored as no Keras"), (write_nan, "not finite"), (lambda path: path.unlink(), "No such file"),
    (lambda path: (path.unlink(), path.mkdir()), "not a plain file")],
    ids=["cut", "empty", "zip", "zip of 10 MB", "FIFO", "3 GB", "external", "NaN", "none", "folder"])
def test_other_files(finished, refused, digits_npz, tmp_path, monkeypatch, write, words):
    monkeypatch.setattr("support.LARGEST", 10 ** 7)
    path = tmp_path / "file"
    shutil.copy(finished.weights, path)
    write(path)
    refused("--read", "none.png", "--weights", path, words=[path, words, "weights come as"])
