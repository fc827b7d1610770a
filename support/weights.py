"""A network's weights, to and from Keras' HDF5 files."""
import os
import shutil
import tempfile
import warnings
import zipfile

import h5py
import keras

from support import UserError, one_line


def save_weights(lenet, path):
    """Write Keras' file of the weights; its name has to end with .weights.h5."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of h5py, Keras and NumPy, about one another
        keras.Model(lenet.inputs, lenet.outputs).save_weights(path)     # the optimizer's stay outside


def load_weights(lenet, path):
    """Load the weights of a run, of any file of weights or of a whole model that Keras 2 or 3 wrote.

    Raises UserError where they are not of this network.
    """
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copy = os.path.join(folder, "model.weights.h5")     # Keras 3 goes by the name
            if zipfile.is_zipfile(path):                        # a whole model of Keras 3
                zipfile.ZipFile(path).extract("model.weights.h5", folder)
            else:
                shutil.copyfile(path, copy)
            with h5py.File(copy, "r") as file:
                arrays, of_keras_2 = read_arrays(file), "layer_names" in file.attrs or "model_weights" in file
            found, expected = ([array.shape for array in each] for each in (arrays, lenet.get_weights()))
            if sorted(found) != sorted(expected):
                raise ValueError(f"the weights are of another network, with arrays of {found}")
            if of_keras_2:
                os.rename(copy, os.path.join(folder, "lenet5.h5"))
                lenet.load_weights(os.path.join(folder, "lenet5.h5"))
            elif keras.__version__.startswith("2."):
                lenet.set_weights(arrays)
            else:
                lenet.load_weights(copy)
    except Exception as error:      # whatever a damaged or foreign file provokes
        raise UserError(f"{path}: {one_line(error)[:300]}; weights come as the .weights.h5 of a run")


def read_arrays(file):
    """Return all arrays of floats but an optimizer's, by their names' alphabet: in Keras 3's files, LeNet's order."""
    names = []
    file.visit(names.append)
    items = [file[name] for name in names if not name.startswith("optimizer")]
    return [item[()] for item in items if isinstance(item, h5py.Dataset) and item.dtype.kind == "f"]
