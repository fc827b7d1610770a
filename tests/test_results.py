"""The record of a run says what was done; files are whole or not there."""
import errno
import hashlib
import os
import time

import keras
import pytest
from PIL import Image

import lenet5
from conftest import ROOT, read_run
from support import backend, results
from support.command_line import UserError

KEYS = ["model", "stamp", "started", "source", "versions", "backend", "hardware", "layers", "data", "config",
        "training_time", "test_loss", "test_accuracy", "history", "misclassified"]


def test_files(finished):
    stamp = repr(finished.record["stamp"])
    assert sorted(os.listdir(finished.logs)) == sorted(
        [f"LeNet-5-{name}.{stamp}.jpeg" for name in ("acc", "loss", "errors")]
        + [f"LeNet-5.{stamp}.json", f"LeNet-5.{stamp}.weights.h5"])
    for path in finished.logs.glob("*.jpeg"):
        Image.open(path).load()


def test_record(finished, digits):
    record = finished.record
    assert list(record) == KEYS
    assert record["model"] == "LeNet-5" and record["layers"] == "fast" and record["backend"] == "tensorflow"
    assert record["versions"] == backend.versions() and record["hardware"] == backend.describe_device()
    started = time.mktime(time.strptime(record["started"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert started == int(record["stamp"]) and record["started"] == results.local_time(record["stamp"])
    assert record["data"] == {"name": "digits.npz", "sha256": {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in digits.items()}}
    config = dict(record["config"], optimizer=None)
    assert config == {"epochs": 2, "batch_size": 64, "seed": 5, "loss": "categorical_crossentropy", "optimizer": None}
    optimizer = {"name": "Adadelta", "learning_rate": 1., "rho": .95, "epsilon": 1e-7}
    assert optimizer.items() <= record["config"]["optimizer"].items()
    assert set(record["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 2 for values in record["history"].values())
    assert record["history"]["val_loss"][-1] == record["test_loss"]
    assert record["history"]["val_accuracy"][-1] == record["test_accuracy"]
    assert len(record["misclassified"]) == round((1 - record["test_accuracy"]) * 500) > 0
    assert all(digits["y_test"][index] == true != predicted for index, true, predicted in record["misclassified"])


def test_source_is_the_hash_of_the_code(finished):
    names = ["lenet5.py", "constants.py"] + sorted(
        f"support/{name}" for name in os.listdir(os.path.join(ROOT, "support")) if name.endswith(".py"))
    content = b"".join(open(os.path.join(ROOT, name), "rb").read() for name in names)
    assert finished.record["source"] == hashlib.sha256(content).hexdigest()


def test_record_has_the_loss_and_the_optimizer_that_were_compiled(monkeypatch, digits_npz, tmp_path):
    def build():
        lenet = published()
        lenet.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(.002), metrics=["accuracy"])
        return lenet
    published = lenet5.build_lenet
    monkeypatch.setattr(lenet5, "build_lenet", build)
    assert lenet5.main(["--mnist", str(digits_npz), "--epochs", "1", "--logs", str(tmp_path)]) == 0
    config = read_run(tmp_path)[0]["config"]
    assert config["loss"] == "mean_squared_error"
    assert {"name": "Adam", "learning_rate": .002, "beta_1": .9}.items() <= config["optimizer"].items()


SMOOTHED = keras.losses.CategoricalCrossentropy(label_smoothing=.1)


@pytest.mark.parametrize("loss, described", [
    ("mse", "mse"), (lambda y, outputs: outputs, "<lambda>"),
    (SMOOTHED, SMOOTHED.get_config())], ids=["name", "lambda", "object"])
def test_descriptions_of_losses(loss, described):
    lenet = lenet5.build_lenet()
    lenet.compile(loss=loss, optimizer="sgd")
    assert results.describe_compiled(lenet)["loss"] == described


@pytest.mark.parametrize("function, call", [("fsync", 3), ("replace", 1)])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_what_stops_the_writing_leaves_nothing_behind(tmp_path, monkeypatch, function, call, error):
    calls = []

    def fail(*arguments):
        assert all(name.startswith(".") for name in os.listdir(tmp_path))
        calls.append(arguments)
        if len(calls) == call:
            raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises((UserError, KeyboardInterrupt)) as raised:
        results.write_run(str(tmp_path), {"stamp": 1.5}, {"acc": b"1", "loss": b"2"}, b"3")
    assert raised.type is KeyboardInterrupt or "--logs" in str(raised.value) and "No space left" in str(raised.value)
    assert len(calls) == call and os.listdir(tmp_path) == []


def test_history_of_keras_2():
    history = results.normalize_history({"acc": [.5], "val_acc": [.25], "loss": [1.], "val_loss": [2.]})
    assert history == {"accuracy": [.5], "val_accuracy": [.25], "loss": [1.], "val_loss": [2.]}


def test_readme_row(finished):
    record, path = finished.record, "logs-lenet/LeNet-5.1.json"
    row = [cell.strip() for cell in results.readme_row(record, path).strip("|").split("|")]
    versions = record["versions"]
    assert row == [f"[record]({path})", versions["keras"], versions["tensorflow"], versions["python"],
                   record["hardware"], *(str(record[key]) for key in ("training_time", "test_loss", "test_accuracy"))]
