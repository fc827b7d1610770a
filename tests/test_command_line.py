"""lenet5.py as its users run it, faults and interruptions included."""
import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from PIL import Image

import lenet5
from conftest import Run
from constants import Constants
from test_data import damage

KEYS = ["model", "stamp", "started", "versions", "backend", "hardware", "data", "config", "interrupted",
        "training_time", "test_loss", "test_accuracy", "history", "misclassified"]


def read_logs(logs):
    """Open every file of a logs folder; return the records."""
    for path in glob.glob(os.path.join(str(logs), "*")):
        if path.endswith(".jpeg"):
            Image.open(path).load()
        elif path.endswith(".h5"):
            with h5py.File(path, "r") as file:
                file.visititems(lambda name, item: item[()] if isinstance(item, h5py.Dataset) else None)
        else:
            assert path.endswith(".json"), path
    return [json.load(open(path)) for path in sorted(glob.glob(os.path.join(str(logs), "*.json")))]


def printed(out, name):
    return re.search(rf"^{name}: (.*)$", out, re.MULTILINE).group(1)


@pytest.fixture(scope="module")
def finished(digits_npz, tmp_path_factory):
    """A run of two epochs on the small stand-in: its logs folder and process."""
    logs = tmp_path_factory.mktemp("logs") / "new" / "folder"
    start = time.time()
    run = Run("--mnist", digits_npz, "--epochs", 2, "--batch-size", 64, "--seed", 5, "--logs", logs).finish()
    run.seconds = time.time() - start
    assert run.code == 0, run.err
    return logs, run


def test_what_is_printed(finished):
    logs, run = finished
    assert run.err == ""
    lines = run.out.splitlines()
    assert re.match(r"Keras \S+ on \w+ \S+, Python \S+; training on .*\w", lines[0])
    assert "Tensor Shape of each Image: (32, 32, 1)" in lines
    assert "Num of Training Samples: 2000" in lines and "Num of Testing Samples: 500" in lines
    assert "Epoch 1/2" in lines and "Epoch 2/2" in lines
    steps = re.findall(r"(\d+)/(\d+)[\x1b ]", run.out)      # of the progress bars
    assert ("32", "32") in steps and all(int(step) <= int(last) for step, last in steps)
    record, = read_logs(logs)
    assert float(printed(run.out, "Training Time")) == record["training_time"]
    assert float(printed(run.out, "Testing Loss")) == record["test_loss"]
    assert float(printed(run.out, "Testing Accuracy")) == record["test_accuracy"]
    row = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    versions = record["versions"]
    assert row[1:] == [versions["keras"], versions["tensorflow"], versions["python"], record["hardware"],
                       str(record["training_time"]), str(record["test_loss"]), str(record["test_accuracy"])]
    assert row[0] == f"[record]({logs}/LeNet-5.{record['stamp']!r}.json)"


def test_what_is_written(finished, digits_npz):
    logs, _ = finished
    record, = read_logs(logs)
    stamp = repr(record["stamp"])
    assert sorted(os.listdir(str(logs))) == sorted(
        [f"LeNet-5-{name}.{stamp}.jpeg" for name in ("acc", "loss", "errors")] +
        [f"LeNet-5.{stamp}.json", f"LeNet-5.{stamp}.weights.h5"])
    assert list(record) == KEYS
    assert record["model"] == "LeNet-5" and record["interrupted"] is False
    assert record["data"]["name"] == "digits.npz" and set(record["data"]["sha256"]) == set(Constants.MNIST_SHA256)
    assert record["config"] == {
        "epochs": 2, "batch_size": 64, "seed": 5,
        "optimizer": {"name": "Adadelta", "learning_rate": 1.0, "rho": .95, "epsilon": 1e-7}}
    assert set(record["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 2 for values in record["history"].values())
    assert record["history"]["val_loss"][-1] == record["test_loss"]
    with np.load(digits_npz) as digits:
        labels = digits["y_test"]
    assert len(record["misclassified"]) == round((1 - record["test_accuracy"]) * len(labels)) > 0
    assert all(labels[index] == true != predicted for index, true, predicted in record["misclassified"])


def test_evaluate_repeats_the_record_and_a_gpu_that_tensorflow_cannot_use_is_told(
        finished, digits_npz, lenet5_run, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-0)'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    record, = read_logs(finished[0])
    weights, = glob.glob(str(finished[0] / "*.h5"))
    shutil.copy(weights, str(tmp_path / "any name"))
    run = lenet5_run("--mnist", digits_npz, "--evaluate", tmp_path / "any name", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (run.code, run.err) == (0, "")
    assert float(printed(run.out, "Testing Loss")) == record["test_loss"]
    assert float(printed(run.out, "Testing Accuracy")) == record["test_accuracy"]
    assert re.search("NVIDIA.*pip install .*and-cuda", run.out.splitlines()[1])
    assert "NVIDIA" not in finished[1].out


def test_usage():
    runs = [Run("--epochs", 0), Run("--help")]
    wrong, helped = [run.finish() for run in runs]
    assert wrong.code == 2 and wrong.err.count("\n") == 1 and "--epochs" in wrong.err
    assert helped.code == 0 and helped.err == "" and "--evaluate FILE" in helped.out


def test_warnings_of_tensorflow_are_shown():
    code = "import lenet5; lenet5.tf.get_logger().warning('a telling one')"
    root = os.path.dirname(lenet5.__file__)
    run = subprocess.run([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE)
    assert run.stderr.decode().splitlines() == ["WARNING:tensorflow:a telling one"]


def test_two_runs_of_one_seed_at_the_same_moment(finished, digits_npz, tmp_path):
    """The clock stands still, so that both have the same stamp; and both repeat the finished run, bit for bit."""
    code = "import sys, time; time.time = lambda: 1700000000.25; import lenet5; sys.exit(lenet5.main())"
    runs = [Run("--mnist", digits_npz, "--epochs", 2, "--batch-size", 64, "--seed", 5, "--logs", tmp_path, code=code)
            for _ in range(2)]
    assert [run.finish().code for run in runs] == [0, 0], [run.err for run in runs]
    assert len(os.listdir(str(tmp_path))) == 10
    digits, (expected,) = lenet5.load_mnist(digits_npz), read_logs(finished[0])
    lenet, whole = lenet5.build_lenet(fast=True), lenet5.build_lenet()
    lenet5.load_weights(whole, glob.glob(str(finished[0] / "*.h5"))[0])
    for record in read_logs(tmp_path):
        assert record["history"] == expected["history"] and record["misclassified"] == expected["misclassified"]
        lenet5.load_weights(lenet, str(tmp_path / f"LeNet-5.{record['stamp']!r}.weights.h5"))
        assert all((a == b).all() for a, b in zip(lenet.get_weights(), whole.get_weights()))
        assert lenet5.misclassify(lenet, digits["x_test"], digits["y_test"]) == record["misclassified"]


def test_loss_that_is_not_a_number(digits_npz, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Constants, "LEARNING_RATE", 1e30)
    assert lenet5.main(["--mnist", digits_npz, "--logs", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "epoch 1" in error
    assert os.listdir(str(tmp_path)) == []


# Interruptions

def wait_for(run, text):
    for line in run.process.stdout:
        if text in line:
            return
    raise AssertionError(run.process.stderr.read())


@pytest.mark.parametrize("signum, moment", [
    (signal.SIGINT, .3), (signal.SIGTERM, 2.), (signal.SIGINT, "Epoch 1"), (signal.SIGTERM, "Epoch 1")])
def test_interrupted_before_the_first_epoch(digits_npz, tmp_path, signum, moment):
    run = Run("--mnist", digits_npz, "--batch-size", 1, "--logs", tmp_path)
    time.sleep(moment) if isinstance(moment, float) else wait_for(run, moment)
    start = time.time()
    run.process.send_signal(signum)
    run.finish()
    assert time.time() - start < 2
    assert run.code == 128 + signum and run.err.count("\n") == 1, run.err
    assert os.listdir(str(tmp_path)) == []


def test_interrupted_after_an_epoch(digits_npz, tmp_path):
    evaluations = []
    runs = {signum: Run("--mnist", digits_npz, "--epochs", 1000, "--logs", tmp_path / str(signum))
            for signum in (signal.SIGINT, signal.SIGTERM)}
    for signum, run in runs.items():
        wait_for(run, "Epoch 4/")
        time.sleep(.1)
        start = time.time()
        run.process.send_signal(signum)
        run.finish()
        assert time.time() - start < 2
        assert run.code == 128 + signum and run.err.count("\n") == 1, run.err
        assert "| [record]" not in run.out
        record, = read_logs(tmp_path / str(signum))
        assert list(record) == KEYS and record["interrupted"] is True
        assert 3 <= len(record["history"]["loss"]) < 1000
        assert record["test_loss"] == record["history"]["val_loss"][-1] and record["misclassified"] is None
        assert len(os.listdir(str(tmp_path / str(signum)))) == 4
        weights, = glob.glob(str(tmp_path / str(signum) / "*.h5"))
        evaluations.append((Run("--mnist", digits_npz, "--evaluate", weights), record))
    for run, record in evaluations:
        assert float(printed(run.finish().out, "Testing Loss")) == record["test_loss"]


def test_killed_anywhere(finished, digits_npz, tmp_path, request):
    arguments = "--mnist", digits_npz, "--epochs", 2, "--batch-size", 64, "--logs", tmp_path
    kills = 50 if request.config.getoption("--long") else 3
    for kill in range(kills):       # half of them in the last third, where the files are written
        run = Run(*arguments)
        share = kill / kills
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(finished[1].seconds * (share * 4 / 3 if share < .5 else 1 / 3 + share * 2 / 3))
        run.process.kill()
        run.finish()
        assert all(not record["interrupted"] for record in read_logs(tmp_path))
    before = len(read_logs(tmp_path))
    assert Run(*arguments).finish().code == 0 and len(read_logs(tmp_path)) == before + 1


# Disks

@pytest.fixture
def mount(tmp_path):
    """A function that mounts a small file system of its own."""
    folders = []

    def mount(options):
        folder = str(tmp_path / f"mount{len(folders)}")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], stderr=subprocess.DEVNULL).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        folders.append(folder)
        return folder
    yield mount
    for folder in folders:
        subprocess.run(["umount", folder], stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("options", ["size=200k", "size=8m,ro"], ids=["full", "read-only"])
def test_disk_that_cannot_be_written(digits_npz, mount, refused, options):
    refused("--mnist", digits_npz, "--logs", mount(options), words=["--logs"])


def test_disk_that_fills_or_goes_during_training(digits_npz, mount, tmp_path):
    full, short, gone = logs = [mount("size=8m"), mount("size=8m"), str(tmp_path / "logs")]
    runs = [Run("--mnist", digits_npz, "--logs", folder, "--epochs", 2) for folder in logs]
    for run, folder, left in zip(runs, logs, [0, 300000, None]):
        wait_for(run, "Epoch 1/")
        if left is None:
            shutil.rmtree(folder)
            continue
        with contextlib.suppress(OSError), open(os.path.join(folder, "other"), "wb", buffering=0) as file:
            file.write(bytes(8 * 2 ** 20 - left))
    for run in runs:
        run.finish()
        assert run.code == 2 and run.err.count("\n") == 1 and "--logs" in run.err, run.err
        assert printed(run.out, "Testing Accuracy")
    assert os.listdir(full) == os.listdir(short) == ["other"] and not os.path.exists(gone)


# Weights

@pytest.fixture(scope="module")
def lenet():
    return lenet5.build_lenet(fast=True)


@pytest.mark.filterwarnings("ignore:__array__ implementation")     # between Keras and NumPy
def test_foreign_weights(digits_npz, refused, tmp_path):
    import keras
    other = keras.Sequential([keras.layers.InputLayer((4,)), keras.layers.Dense(3)])
    other.save_weights(str(tmp_path / "other.weights.h5"))
    smaller = keras.Sequential([keras.layers.InputLayer((32, 32, 1)), keras.layers.Conv2D(5, 5)])
    smaller.save_weights(str(tmp_path / "smaller.weights.h5"))
    (tmp_path / "text").write_text("text")
    (tmp_path / "empty").write_text("")
    with h5py.File(str(tmp_path / "hdf5"), "w") as file:
        file["x"] = [1]
    for name in os.listdir(str(tmp_path)) + ["none", "."]:
        refused("--mnist", digits_npz, "--evaluate", tmp_path / name, words=["--evaluate"])


def test_damaged_weights_are_refused_or_the_same(lenet, finished, tmp_path, request):
    path, = glob.glob(str(finished[0] / "*.h5"))
    lenet5.load_weights(lenet, path)
    whole, content, chance = lenet.get_weights(), open(path, "rb").read(), random.Random(0)
    path, refused = str(tmp_path / "damaged.weights.h5"), 0
    cases = 2000 if request.config.getoption("--long") else 100
    for case in range(cases):
        with open(path, "wb") as file:
            file.write(damage(content, chance))
        try:
            lenet5.load_weights(lenet, path)
        except lenet5.UserError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            assert all((a == b).all() for a, b in zip(lenet.get_weights(), whole)), case
    assert refused > cases / 2


# The published stack

def test_published_stack(request, digits_npz, tmp_path, lenet5_run):
    python = request.config.getoption("--python36")
    if not python:
        pytest.skip("needs the published stack: --python36 PATH, see the README")
    arguments = "--mnist", digits_npz, "--epochs", 1, "--seed", 3, "--logs"
    runs = [lenet5_run(*arguments, tmp_path / str(i), python=python) for i in range(2)]
    for run in runs:
        assert run.code == 0 and run.err == "Using TensorFlow backend.\n", run.err
    (first,), (second,) = (read_logs(tmp_path / str(i)) for i in range(2))
    assert list(first) == KEYS and first["history"] == second["history"]
    assert set(first["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert first["versions"]["keras"] == "2.1.6" and len(os.listdir(str(tmp_path / "0"))) == 5
    weights, = glob.glob(str(tmp_path / "0" / "*.h5"))
    for interpreter in {}, {"python": python}:      # weights of then, evaluated now and then
        run = lenet5_run("--mnist", digits_npz, "--evaluate", weights, **interpreter)
        assert abs(float(printed(run.out, "Testing Loss")) - first["test_loss"]) < 1e-5
        assert float(printed(run.out, "Testing Accuracy")) == first["test_accuracy"]
    for bad in "--epochs 0", "--mnist none", "--evaluate none":
        run = lenet5_run("--mnist", digits_npz, *bad.split(), python=python)
        assert run.code == 2 and run.err.replace("Using TensorFlow backend.\n", "").count("\n") == 1


# The real thing

def test_two_epochs_on_mnist(request, tmp_path, lenet5_run):
    path = request.config.getoption("--mnist")
    if not path:
        urls, Constants.MNIST_MIRRORS = Constants.MNIST_MIRRORS, []
        try:
            lenet5.fetch_mnist()
        except lenet5.UserError:
            pytest.skip("needs MNIST: --mnist PATH, or Keras' cache")
        finally:
            Constants.MNIST_MIRRORS = urls
    run = lenet5_run(*(["--mnist", path] if path else []), "--epochs", 2, "--logs", tmp_path)
    assert run.code == 0 and run.err == ""
    record, = read_logs(tmp_path)
    assert record["data"] == {"name": "MNIST", "sha256": Constants.MNIST_SHA256}
    assert record["test_accuracy"] >= .97
    assert len(record["misclassified"]) == round(10000 * (1 - record["test_accuracy"]))
