"""A network's weights, to and from Keras' HDF5 files."""
import os
import shutil
import tempfile
import warnings
import zipfile

import h5py
import keras

from support.command_line import UserError, one_line


def without_optimizer(lenet):
    """The network to save or load: Keras 3 would add the optimizer's state, and warn where it is not there."""
    return keras.Model(lenet.inputs, lenet.outputs)


def save_weights(lenet, path):
    """Write Keras' file of the weights; its name has to end with .weights.h5."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of h5py, Keras and NumPy, about one another
        without_optimizer(lenet).save_weights(path)


def load_weights(lenet, path):
    """Load the weights of a run, of any file of weights or of a whole model that Keras 2 or 3 wrote.

    Raises UserError where they are not of this network.
    """
    if not os.path.isfile(path):
        raise UserError(f"{path}: no such file; weights come as the .weights.h5 of a run")
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copy = os.path.join(folder, "lenet5")       # Keras 3 goes by the name
            if zipfile.is_zipfile(path):                # a whole model of Keras 3
                with zipfile.ZipFile(path) as archive, open(copy, "wb") as file:
                    file.write(archive.read("model.weights.h5"))
            else:
                shutil.copyfile(path, copy)
            with h5py.File(copy, "r") as file:
                of_keras_2 = "layer_names" in file.attrs or "model_weights" in file
                found, expected = find_shapes(file), sorted(weight.shape for weight in lenet.get_weights())
            if found != expected:
                others = [shape for shape in found if shape not in expected] or f"{len(found)}, not {len(expected)}"
                raise ValueError(f"the weights are of another network; arrays that differ: {others}")
            if keras.__version__.startswith("2.") and not of_keras_2:
                lenet.set_weights(read_file_of_keras_3(copy, lenet.layers))
                return
            named = copy + (".h5" if of_keras_2 else ".weights.h5")
            os.rename(copy, named)
            without_optimizer(lenet).load_weights(named)
    except Exception as error:      # whatever a damaged or foreign file provokes
        raise UserError(f"{path}: {one_line(error)[:300]}; weights come as the .weights.h5 of a run")


def find_shapes(file):
    """Return the shapes of all weights in a file of Keras', sorted: of its numbers but for an optimizer's."""
    shapes = []

    def collect(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and not name.startswith("optimizer"):
            shapes.append(item.shape)
    file.visititems(collect)
    return sorted(shapes)


def read_file_of_keras_3(path, layers):
    """Return the arrays that Keras 3 wrote for layers of these kinds: it numbers them by kind, and ignores names."""
    arrays, kinds = [], [type(layer).__name__.lower() for layer in layers]
    with h5py.File(path, "r") as file:
        for place, (kind, layer) in enumerate(zip(kinds, layers)):
            before = kinds[:place].count(kind)
            name = f"layers/{kind}_{before}" if before else f"layers/{kind}"
            arrays += [file[f"{name}/vars/{number}"][()] for number in range(len(layer.weights))]
    return arrays
