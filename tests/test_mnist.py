"""Digits: what is taken, and what is refused."""
import gzip
import os
import pickle
import shutil

import numpy as np
import pytest

from conftest import slice_mnist
from constants import Constants
from support import mnist


@pytest.fixture(scope="module")
def tiny():
    """Forty training and twenty test digits."""
    return slice_mnist(40, 20)


def write_npz(path, digits, save=np.savez):
    save(path, **digits)
    return path


def write_idx(folder, digits, name="{0}", write=open):
    for key, file_name in mnist.IDX_FILES.items():
        header = np.array([0x0800 + digits[key].ndim, *digits[key].shape], ">u4")
        path = folder / name.format(file_name, file_name.replace("-idx", ".idx"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with write(path, "wb") as file:
            file.write(header.tobytes() + digits[key].tobytes())
    return folder


def test_mnist_is_inside():
    digits = mnist.load_digits()
    assert [digits[name].shape for name in mnist.NAMES] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert mnist.describe(digits) == {"name": "MNIST", "sha256": Constants.MNIST_SHA256}


def test_other_digits_inside_are_noticed(digits_npz, monkeypatch, refused, tmp_path):
    monkeypatch.setattr(mnist, "MNIST_PATH", str(digits_npz))
    refused("--logs", tmp_path, words=[digits_npz, "git checkout"])


@pytest.mark.parametrize("write", [
    lambda path, digits: write_npz(path / "a.npz", dict(digits, y_train=digits["y_train"].astype(">i8"))),
    lambda path, digits: write_npz(path / "a.npz", dict(digits, x_test=np.asfortranarray(digits["x_test"]))),
    lambda path, digits: write_idx(path, digits, "{0}.gz", gzip.open),
    lambda path, digits: write_idx(path, digits, "{0}.gz"),
    lambda path, digits: write_idx(path, digits, "{0}/{0}"),
    lambda path, digits: write_idx(path / "a[1]", digits, "{1}"),
    lambda path, digits: write_idx(write_idx(path, {name: digits[name][1:] for name in digits}, "{0} (1)"), digits),
    lambda path, digits: write_idx(path, digits, "{0} (1).gz", gzip.open)],
    ids=["integers", "Fortran", "gzipped", "unpacked .gz", "folders", "dotted", "beside a copy", "a copy"])
def test_what_is_taken(tiny, tmp_path, write):
    digits = mnist.load_digits(write(tmp_path, tiny))
    for name in mnist.NAMES:
        assert digits[name].dtype == np.uint8 and np.array_equal(digits[name], tiny[name])
        assert digits[name].flags.c_contiguous


@pytest.mark.parametrize("classes", [26, 300])
def test_other_numbers_of_classes(tiny, tmp_path, monkeypatch, refused, classes):
    monkeypatch.setattr(Constants, "NUM_CLASSES", classes)
    assert mnist.describe(mnist.load_digits())["name"] == "MNIST"
    labels = np.arange(classes - 40, classes) % classes
    path = write_npz(tmp_path / "a.npz", dict(tiny, y_train=labels))
    assert np.array_equal(mnist.load_digits(path)["y_train"], labels)
    refused("--mnist", write_npz(tmp_path / "a.npz", dict(tiny, y_train=labels + 1)), words=[f"0 to {classes - 1}"])


def test_only_mnist_is_called_so(tiny, tmp_path):
    assert mnist.describe(tiny, tmp_path / "my.npz")["name"] == "my.npz"
    assert mnist.describe(tiny, tmp_path / "MNIST")["name"] == str(tmp_path / "MNIST")


@pytest.mark.parametrize("name, change, word", [
    ("x_train", lambda x: x[:, :20], "(40, 20, 28)"),
    ("x_train", lambda x: x / 255, "float64"),
    ("x_test", lambda x: x[:0], "(0, 28, 28)"),
    ("y_train", lambda y: np.eye(10, dtype=int)[y], "(40, 10)"),
    ("y_test", lambda y: y + 1, "0 to 9"),
    ("y_test", lambda y: y.astype(int) - 1, "0 to 9")],
    ids=["shape", "floats", "none", "one-hot", "10", "-1"])
def test_npz_of_another_form(tiny, tmp_path, refused, name, change, word):
    path = write_npz(tmp_path / "bad.npz", dict(tiny, **{name: change(tiny[name])}))
    refused("--mnist", path, "--logs", tmp_path, words=["bad.npz", name, word, "an .npz with x_train"])


class Bomb:
    """A pickle that would make a folder where it is read."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_other_files(tiny, tmp_path, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    monkeypatch.setattr("support.LARGEST", 10 ** 7)
    write_npz("large.npz", dict(tiny, x_train=np.zeros((10 ** 4, 28, 28), np.uint8)), np.savez_compressed)
    whole, x = write_npz(tmp_path / "a.npz", tiny).read_bytes(), tiny["x_train"]
    for name, content in {"empty": b"", "a.csv": b"label,1x1\n5,0\n", "mnist.pkl": pickle.dumps(Bomb()),
                          "cut.npz": whole[:20000], "bits.npz": whole[:9000] + b"?" + whole[9001:]}.items():
        (tmp_path / name).write_bytes(content)
    np.save("x.npy", x)
    write_npz("part.npz", {"x_train": x})
    write_npz("bomb.npz", dict(tiny, x_train=np.array([Bomb()], object)))
    for name in set(os.listdir()) - {"a.npz"} | {"none"}:
        refused("--mnist", tmp_path / name, words=[tmp_path / name, "an .npz with x_train", "the four IDX files"])
    refused("--mnist", "a.csv", words=["a.csv: File is not a zip file"])        # and not that it has pickles
    assert not os.path.exists("executed")


@pytest.mark.parametrize("damage", [
    lambda labels: os.remove(labels),
    lambda labels: shutil.copy(labels.with_name("t10k-images-idx3-ubyte"), labels),
    lambda labels: labels.write_bytes(labels.read_bytes()[:-1]),
    lambda labels: labels.write_bytes(gzip.compress(labels.read_bytes())[:-9]),
    lambda labels: labels.write_bytes(gzip.compress(labels.read_bytes() + bytes(10 ** 7))),
    lambda labels: labels.write_bytes(bytes([0, 0, 8, 1, 255, 255, 255, 255])),
    lambda labels: (labels.unlink(), os.mkfifo(labels))],
    ids=["missing", "images", "cut", "gzipped and cut", "too long", "4 GB", "FIFO"])
def test_folder_that_lacks_something(tiny, tmp_path, refused, damage):
    damage(write_idx(tmp_path, tiny) / "train-labels-idx1-ubyte")
    refused("--mnist", tmp_path, words=[tmp_path, "train-labels-idx1-ubyte"])
