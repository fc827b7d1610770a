"""Digits, read and checked: MNIST of this repository, another .npz, or a folder of IDX files."""
import gzip
import hashlib
import os
import re
import zipfile

import numpy as np

from constants import Constants
from support import ROOT, UserError, check_file, check_size, one_line

MNIST_PATH = os.path.join(ROOT, "assets", "mnist.npz")
IDX_FILES = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte",
             "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}
NAMES = list(IDX_FILES)


def load_digits(path=None):
    """Load MNIST, or another data set of its form.

    path: an .npz file with x_train, y_train, x_test and y_test, or a folder of
        the four IDX files, gzipped or not; None is MNIST itself
    Returns four arrays by these names: images uint8 (n, 28, 28), labels (n,), uint8 for up to 256 classes.
    Raises UserError where the data cannot be read or has another form.
    """
    source = path or MNIST_PATH
    try:
        digits = ({name: read_idx(source, file_name) for name, file_name in IDX_FILES.items()}
                  if os.path.isdir(source) else read_npz(source))
        for part in "train", "test":
            check(part, digits["x_" + part], digits["y_" + part])
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise UserError(f"{source}: {one_line(error)}; digits come as an .npz with {', '.join(NAMES)}"
                        " or as a folder of the four IDX files")
    label_type = np.min_scalar_type(Constants.NUM_CLASSES - 1)
    digits = {name: np.ascontiguousarray(digits[name], np.uint8 if name.startswith("x") else label_type)
              for name in NAMES}
    if path is None and describe(digits, source)["name"] != "MNIST":
        raise UserError(f"{source} is not MNIST; get it again, by: git checkout assets/mnist.npz")
    return digits


def read_npz(path):
    check_file(path)
    with zipfile.ZipFile(path) as archive:      # refuses what np.load would take for something else
        check_size(sum(archive.getinfo(name + ".npy").file_size for name in NAMES))
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in NAMES}


def read_idx(folder, file_name):
    """Read an IDX file, gzipped or not, in the format that http://yann.lecun.com/exdb/mnist/ describes."""
    path, rank = find_idx(folder, file_name), 3 if "images" in file_name else 1
    try:
        check_file(path)
        with open(path, "rb") as file:
            is_gzipped = file.read(2) == b"\x1f\x8b"
        with (gzip.open if is_gzipped else open)(path, "rb") as file:
            header = file.read(4 + 4 * rank)
            if not header.startswith(bytes([0, 0, 8, rank])):
                raise ValueError("not IDX, or of another rank")
            shape = np.frombuffer(header, ">u4", rank, offset=4).tolist()
            size = int(np.prod(shape, dtype=float))
            check_size(size)
            return np.frombuffer(file.read(size + 1), np.uint8).reshape(shape)      # one byte more: none may follow
    except Exception as error:      # whatever a damaged or hostile file provokes
        raise ValueError(f"{os.path.basename(path)}: {one_line(error)}")


def find_idx(folder, file_name):
    """Return the path of an IDX file: some archives have a dot in its name, or a folder around it; copies a number."""
    pattern = re.compile(file_name.replace("-idx", "[-.]idx") + r"( ?\(\d+\))?(\.gz)?( ?\(\d+\))?")
    found = sorted(filter(pattern.fullmatch, os.listdir(folder)), key=len)
    if not found:
        raise ValueError(f"there is no {file_name} in it")
    path = os.path.join(folder, found[0])
    return find_idx(path, file_name) if os.path.isdir(path) else path


def check_batch_size(batch_size, digits):
    """Raise UserError where there are not as many training images as in a batch."""
    if batch_size > len(digits["x_train"]):
        raise UserError(f"--batch-size {batch_size}: there are only {len(digits['x_train'])} training images")


def check(part, images, labels):
    """Raise ValueError unless images are uint8 (n, 28, 28) and labels n whole numbers, a class each; n is not 0."""
    if images.dtype != np.uint8 or images.shape[1:] != (Constants.DIGIT_SIZE,) * 2 or not len(images):
        raise ValueError(f"x_{part} is {images.dtype} {images.shape}, not uint8 (1 or more, 28, 28)")
    last = Constants.NUM_CLASSES - 1
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1] or labels.min() < 0 or labels.max() > last:
        raise ValueError(f"y_{part} is {labels.dtype} {labels.shape}, not {len(images)} whole numbers from 0 to {last}")


def describe(digits, path=None):
    """Return what the record says of the digits: their name, "MNIST" only where they are, and their SHA-256."""
    hashes = {name: hashlib.sha256(array.astype(np.uint8) if array.max() < 256 else array).hexdigest()
              for name, array in ((name, digits[name]) for name in NAMES)}
    if hashes == Constants.MNIST_SHA256:
        return {"name": "MNIST", "sha256": hashes}
    path = os.path.abspath(path or MNIST_PATH)
    name = os.path.basename(path)
    return {"name": path if name == "MNIST" else name, "sha256": hashes}
