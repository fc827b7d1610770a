"""A network's weights, to and from Keras' HDF5 files."""
import os
import shutil
import tempfile
import warnings
import zipfile

import h5py
import numpy as np

from support import UserError, check_file, check_size, one_line
from support.backend import load_keras


def save_weights(lenet, path):
    """Write a network's weights, without the optimizer's, as Keras does; the name has to end with .weights.h5."""
    keras = load_keras()
    written = path if hasattr(keras, "ops") else path + ".h5"       # 2.12 to 2.15 go by the name, to another format
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of h5py, Keras and NumPy, about one another
        keras.Model(lenet.inputs, lenet.outputs).save_weights(written)
    os.replace(written, path)


def load_weights(lenet, path):
    """Load the weights of a run, or of any file of weights or of a whole model that Keras 2 or 3 wrote.

    Names and shapes are compared before any array is read. Raises UserError where they are not this network's, or
    where a weight is not finite.
    """
    try:
        check_file(path)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source, own = path, os.path.join(folder, "own.weights.h5")
            if zipfile.is_zipfile(path):        # a whole model of Keras 3
                with zipfile.ZipFile(path) as archive:
                    check_size(archive.getinfo("model.weights.h5").file_size)
                    source = archive.extract("model.weights.h5", folder)
            save_weights(lenet, own)
            with h5py.File(source, "r") as file, h5py.File(own, "r") as expected:
                arrays = find_arrays(lenet, file, expected)
                if arrays:
                    lenet.set_weights([array[()] for array in arrays])
            if not arrays:      # Keras goes by the name
                lenet.load_weights(shutil.copyfile(source, os.path.join(folder, "named.weights.h5")))
        if not all(np.isfinite(array).all() for array in lenet.get_weights()):
            raise ValueError("it has weights that are not finite")
    except Exception as error:      # whatever a damaged or foreign file provokes
        raise UserError(f"{path}: {one_line(error)[:300]}; weights come as the .weights.h5 of a run")


def find_arrays(lenet, file, own):
    """Return a file's arrays in the network's order, unread; none where this Keras reads the file's format by itself.

    own: the network's own file. Raises ValueError where names or shapes are those of another network.
    """
    shapes = [array.shape for layer in lenet.layers for array in layer.get_weights()]
    old, fits = file.get("model_weights", file), True
    is_own = "layers" in file and "layers" in own
    if "layer_names" in old.attrs:      # Keras 2
        groups = [old[name] for name in old.attrs["layer_names"] if len(old[name].attrs["weight_names"])]
        arrays = [group[name] for group in groups for name in group.attrs["weight_names"]]
        fits = [group.name.split("/")[-1] for group in groups] == [each.name for each in lenet.layers if each.weights]
    elif is_own:
        names = []
        own.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        arrays, shapes = [file.get(name) for name in names], [own[name].shape for name in names]
        fits = set(file["layers"]) <= set(own["layers"])
    else:       # Keras 3's format for a Keras 2, and that of Keras 2.12 and 2.13: sorted, in LeNet-5's order
        new = file["layers" if "layers" in file else "_layer_checkpoint_dependencies"]
        arrays = [new[name]["vars"][number] for name in sorted(new) for number in sorted(new[name]["vars"])]
    found = [getattr(array, "shape", None) for array in arrays]
    if not fits or found != shapes:
        raise ValueError(f"the weights are of another network, with arrays of {found}")
    for array in arrays:
        if array.external or array.is_virtual or array.file.filename != file.filename or (
                array.chunks and np.prod(array.chunks) > array.size):       # much memory for a small array
            raise ValueError("its arrays are stored as no Keras stores them")
    return [] if is_own else arrays
