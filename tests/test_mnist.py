"""Digits: what is taken, and what is refused."""
import gzip
import random
import shutil

import numpy as np
import pytest

from conftest import damage, slice_mnist
from constants import Constants
from support import mnist
from support.command_line import UserError


@pytest.fixture(scope="module")
def tiny():
    """Forty training and twenty test digits."""
    return slice_mnist(40, 20)


def write_npz(path, digits, save=np.savez):
    save(path, **digits)
    return path


def write_idx(folder, digits, gzipped):
    folder.mkdir()
    for name, file_name in mnist.IDX_FILES.items():
        header = np.array([0x0800 + digits[name].ndim, *digits[name].shape], ">u4")
        with (gzip.open if gzipped else open)(folder / (file_name + ".gz" * gzipped), "wb") as file:
            file.write(header.tobytes() + digits[name].tobytes())
    return folder


def are_same(digits, others):
    return all(digits[name].dtype == np.uint8 and np.array_equal(digits[name], others[name]) for name in mnist.NAMES)


def test_mnist_is_inside():
    digits = mnist.load_digits()
    assert [digits[name].shape for name in mnist.NAMES] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert mnist.describe(digits) == {"name": "MNIST", "sha256": Constants.MNIST_SHA256}


def test_other_digits_inside_are_noticed(digits_npz, monkeypatch, refused, tmp_path):
    monkeypatch.setattr(mnist, "MNIST_PATH", str(digits_npz))
    refused("--logs", tmp_path, words=[str(digits_npz), "git checkout"])


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzipped"])
def test_idx_gives_the_digits_of_the_npz(tiny, tmp_path, gzipped):
    npz = write_npz(tmp_path / "a.npz", dict(tiny, y_train=tiny["y_train"].astype(np.int64)))
    assert are_same(mnist.load_digits(npz), tiny)
    assert are_same(mnist.load_digits(write_idx(tmp_path / "idx", tiny, gzipped)), tiny)


def test_only_mnist_is_called_so(tiny, tmp_path):
    assert mnist.describe(tiny, tmp_path / "my.npz")["name"] == "my.npz"
    assert mnist.describe(tiny, tmp_path / "MNIST")["name"] == str(tmp_path / "MNIST")


# What is refused

class Bomb:
    """A pickle that would make a folder where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).mkdir, (self.path,)


@pytest.mark.parametrize("name, change, word", [
    ("y_test", lambda y: None, "y_test"),
    ("x_train", lambda x: x[:, :20], "(40, 20, 28)"),
    ("x_train", lambda x: x.reshape(40, 784), "(40, 784)"),
    ("x_train", lambda x: x / 255, "float64"),
    ("x_test", lambda x: np.uint8(3), "uint8 ()"),
    ("y_train", lambda y: y.astype(float), "float64"),
    ("y_train", lambda y: y[:39], "(39,)"),
    ("y_train", lambda y: np.eye(10, dtype=int)[y], "(40, 10)"),
    ("y_test", lambda y: y + 1, "0 to 9"),
    ("y_test", lambda y: y.astype(int) - 1, "0 to 9")],
    ids=["missing", "shape", "flat", "float images", "scalar", "float labels", "count", "one-hot", "10", "-1"])
def test_npz_of_another_form(tiny, tmp_path, refused, name, change, word):
    digits = {key: change(value) if key == name else value for key, value in tiny.items()}
    path = write_npz(tmp_path / "bad.npz", {key: value for key, value in digits.items() if value is not None})
    refused("--mnist", path, "--logs", tmp_path, words=["bad.npz", name, word])


def test_no_digits(tiny, tmp_path, refused):
    path = write_npz(tmp_path / "bad.npz", dict(tiny, x_test=tiny["x_test"][:0], y_test=tiny["y_test"][:0]))
    refused("--mnist", path, "--logs", tmp_path, words=["x_test", "empty"])


def test_pickles_are_not_executed(tiny, tmp_path, refused):
    bomb = np.array([Bomb(tmp_path / "executed")], object)
    refused("--mnist", write_npz(tmp_path / "bad.npz", dict(tiny, x_train=bomb)), "--logs", tmp_path)
    assert not (tmp_path / "executed").exists()


def test_other_files(tiny, tmp_path, refused):
    refused("--mnist", tmp_path / "none.npz", "--logs", tmp_path, words=["none.npz", "no such file"])
    for content in b"", b"<html></html>", b"\x80\x04K\x01.":
        (tmp_path / "bad.npz").write_bytes(content)
        refused("--mnist", tmp_path / "bad.npz", "--logs", tmp_path, words=["bad.npz"])
    (tmp_path / "empty").mkdir()
    refused("--mnist", tmp_path / "empty", "--logs", tmp_path, words=["train-images"])
    folder = write_idx(tmp_path / "idx", tiny, False)
    shutil.copy(folder / "t10k-images-idx3-ubyte", folder / "train-labels-idx1-ubyte")
    refused("--mnist", folder, "--logs", tmp_path, words=["train-labels-idx1-ubyte is not IDX"])


def test_damaged_files_are_refused_or_the_same(tiny, tmp_path):
    chance = random.Random(0)
    folder = write_idx(tmp_path / "idx", tiny, True)
    npzs = [write_npz(tmp_path / "a.npz", tiny), write_npz(tmp_path / "b.npz", tiny, np.savez_compressed)]
    contents = {path: path.read_bytes() for path in npzs + sorted(folder.iterdir())}
    outcomes = {"refused": 0, "the same": 0}
    for case in range(200):
        path = chance.choice(list(contents))
        path.write_bytes(damage(contents[path], chance))
        try:
            assert are_same(mnist.load_digits(path if path in npzs else folder), tiny), case
            outcomes["the same"] += 1
        except UserError as error:
            assert "\n" not in str(error)
            outcomes["refused"] += 1
        path.write_bytes(contents[path])
    assert outcomes["refused"] > 100 and outcomes["the same"] > 2, outcomes
