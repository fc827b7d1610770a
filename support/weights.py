"""A network's weights, to and from Keras' HDF5 files."""
import hashlib
import os
import shutil
import tempfile
import warnings

import h5py
import keras

from support.command_line import UserError, one_line


def without_optimizer(lenet):
    """The network to save or load: Keras 3 would add the optimizer's state, and warn where it is not there."""
    return keras.Model(lenet.inputs, lenet.outputs)


def hash_weights(lenet):
    return hashlib.sha256(b"".join(weight.tobytes() for weight in lenet.get_weights())).hexdigest()


def to_hdf5(lenet):
    """Return the weights as Keras' HDF5 file, with their SHA-256 as an attribute, in bytes."""
    with tempfile.TemporaryDirectory() as folder:       # not in the logs: HDF5 may abort the process on a full disk
        path = os.path.join(folder, "lenet5.weights.h5")
        without_optimizer(lenet).save_weights(path)
        with h5py.File(path, "r+") as file:
            file.attrs["sha256"] = hash_weights(lenet)
        with open(path, "rb") as file:
            return file.read()


def load_weights(lenet, path):
    """Load a file of weights, of Keras 3 or of Keras 2; raises UserError where it is not one of this network."""
    if not os.path.isfile(path):
        raise UserError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            suffix = ".h5" if "layer_names" in file.attrs else ".weights.h5"
            expected = file.attrs.get("sha256")
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)         # by which Keras tells of what it skips
            copy = os.path.join(folder, "lenet5" + suffix)      # Keras 3 goes by the name
            shutil.copy(path, copy)
            without_optimizer(lenet).load_weights(copy)
        if expected not in (None, hash_weights(lenet)):
            raise ValueError("damaged: the weights are not those that were saved")
    except Exception as error:      # whatever a damaged or foreign file provokes
        raise UserError(f"{path}: {one_line(error)[:200]}; weights come as the .weights.h5 of a run")
