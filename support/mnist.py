"""Digits, read and checked: MNIST of this repository, another .npz, or a folder of IDX files."""
import gzip
import hashlib
import os
import zipfile

import numpy as np

from constants import Constants
from support.command_line import ROOT, UserError, one_line

MNIST_PATH = os.path.join(ROOT, "assets", "mnist.npz")
IDX_FILES = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte",
             "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}
NAMES = list(IDX_FILES)


def load_digits(path=None):
    """Load MNIST, or another data set of its form.

    path: an .npz file with x_train, y_train, x_test and y_test, or a folder of
        the four IDX files, gzipped or not; None is MNIST itself
    Returns four uint8 arrays by these names: images (n, 28, 28), labels (n,).
    Raises UserError where the data cannot be read or has another form.
    """
    if path is None:
        digits = load_digits(MNIST_PATH)
        if hash_arrays(digits) != Constants.MNIST_SHA256:
            raise UserError(f"{MNIST_PATH} is not MNIST; get it again, by: git checkout assets/mnist.npz")
        return digits
    if not os.path.exists(path):
        raise UserError(f"{path}: no such file or folder")
    try:
        digits = read_idx(path) if os.path.isdir(path) else read_npz(path)
        check("train", digits["x_train"], digits["y_train"])
        check("test", digits["x_test"], digits["y_test"])
        return {name: np.ascontiguousarray(digits[name], np.uint8) for name in NAMES}
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"{path}: {one_line(error)}; digits come as an .npz with {', '.join(NAMES)}"
                        " or as a folder of the four IDX files")


def read_npz(path):
    if not zipfile.is_zipfile(path):
        raise ValueError("not an .npz file")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in NAMES}


def read_idx(folder):
    """Read the format that http://yann.lecun.com/exdb/mnist/ describes."""
    digits = {}
    for name, file_name in IDX_FILES.items():
        path = find_idx(folder, file_name)
        with open(path, "rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        with (gzip.open if gzipped else open)(path, "rb") as file:
            content = file.read()
        rank = 3 if name.startswith("x") else 1
        magic, *shape = np.frombuffer(content, ">u4", 1 + rank).tolist()
        if magic != 0x0800 + rank:  # unsigned bytes, in as many dimensions
            raise ValueError(f"{os.path.basename(path)} is not IDX")
        digits[name] = np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
    return digits


def find_idx(folder, file_name):
    """Return the path of an IDX file: some archives have a dot in its name, or a folder of its name around it."""
    names = [name + ending for name in (file_name, file_name.replace("-idx", ".idx")) for ending in ("", ".gz")]
    for path in names + [os.path.join(outer, inner) for outer in names for inner in names]:
        if os.path.isfile(os.path.join(folder, path)):
            return os.path.join(folder, path)
    raise ValueError(f"there is no {file_name} in it")


def check_batch_size(batch_size, digits):
    """Raise UserError where there are not as many training images as in a batch."""
    if batch_size > len(digits["x_train"]):
        raise UserError(f"--batch-size {batch_size}: there are only {len(digits['x_train'])} training images")


def check(part, images, labels):
    """Raise ValueError unless images are uint8 (n, 28, 28) and labels n whole numbers from 0 to 9."""
    if images.dtype != np.uint8 or images.shape[1:] != (Constants.DIGIT_SIZE,) * 2:
        raise ValueError(f"x_{part} is {images.dtype} {images.shape}, not uint8 (n, 28, 28)")
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise ValueError(f"y_{part} is {labels.dtype} {labels.shape}, not {len(images)} whole numbers")
    if not len(images):
        raise ValueError(f"x_{part} is empty")
    if labels.min() < 0 or labels.max() >= Constants.NUM_CLASSES:
        raise ValueError(f"y_{part} has labels outside 0 to 9")


def hash_arrays(digits):
    """Return the SHA-256 of each array's bytes, by name."""
    return {name: hashlib.sha256(digits[name]).hexdigest() for name in NAMES}


def describe(digits, path=None):
    """Return what the record says of the digits: their name, "MNIST" only where they are, and their SHA-256."""
    hashes = hash_arrays(digits)
    if hashes == Constants.MNIST_SHA256:
        name = "MNIST"
    else:
        path = os.path.abspath(path)
        name = os.path.basename(path) if os.path.basename(path) != "MNIST" else path
    return {"name": name, "sha256": hashes}
