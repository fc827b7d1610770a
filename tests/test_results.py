"""The record of a run says what was done; files are whole or not there; a run outlives what fails at its end."""
import contextlib
import copy
import errno
import hashlib
import os
import re
import subprocess
import time

import keras
import pytest
from PIL import Image

import lenet5
from conftest import ROOT, read_run
from support import UserError, backend, results

KEYS = ["model", "stamp", "started", "commit", "versions", "backend", "device", "hardware", "layers", "data", "config",
        "training_time", "test_loss", "test_accuracy", "history", "misclassified"]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_files(finished):
    stamp = repr(finished.record["stamp"])
    assert sorted(os.listdir(finished.logs)) == sorted(
        [f"LeNet-5-{name}.{stamp}.jpeg" for name in ("acc", "loss", "errors")]
        + [f"LeNet-5.{stamp}.json", f"LeNet-5.{stamp}.weights.h5"])
    for path in finished.logs.glob("*.jpeg"):
        Image.open(path).load()


def test_record(finished, digits):
    record = copy.deepcopy(finished.record)
    assert list(record) == KEYS
    assert record["model"] == "LeNet-5" and record["layers"] == "fast" and record["backend"] == "tensorflow"
    assert record["versions"] == backend.versions()
    assert (record["device"], record["hardware"]) == backend.describe_device()
    started = time.mktime(time.strptime(record["started"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert started == int(record["stamp"]) and re.fullmatch(r"[+-]\d\d:\d\d", record["started"][19:])
    assert record["data"] == {"name": "digits.npz", "sha256": {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in digits.items()}}
    optimizer = record["config"].pop("optimizer")
    assert record["config"] == {"epochs": 2, "batch_size": 20, "seed": 5, "loss": "categorical_crossentropy"}
    assert {"name": "Adadelta", "learning_rate": 1., "rho": .95, "epsilon": 1e-7}.items() <= optimizer.items()
    assert {name: len(values) for name, values in record["history"].items()} == dict.fromkeys(
        ["loss", "accuracy", "val_loss", "val_accuracy"], 2)
    for metric in "loss", "accuracy":
        assert record["history"]["val_" + metric][-1] == record["test_" + metric]
    assert len(record["misclassified"]) == round((1 - record["test_accuracy"]) * 500) > 0
    assert all(digits["y_test"][index] == true != predicted for index, true, predicted in record["misclassified"])


def test_commit(finished, monkeypatch):
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    assert head.startswith(finished.record["commit"].split("-")[0]) if head else finished.record["commit"] is None
    monkeypatch.setattr(results, "ROOT", os.path.join(ROOT, "tests"))       # a copy within somebody else's repository
    assert results.describe_commit() is None


def test_losses_and_optimizers_are_those_that_were_compiled():
    lenet, smoothed = lenet5.build_lenet(), keras.losses.CategoricalCrossentropy(label_smoothing=.1)
    for loss, described in ("mse", "mse"), (lambda y, outputs: outputs, "<lambda>"), (smoothed, smoothed.get_config()):
        lenet.compile(loss=loss, optimizer=keras.optimizers.Adam(.002))
        compiled = results.describe_compiled(lenet)
        assert compiled["loss"] == described
        assert {"name": "Adam", "learning_rate": .002, "beta_1": .9}.items() <= compiled["optimizer"].items()


@pytest.mark.parametrize("last, error, kept", [
    (".jpeg", FULL, [".json", ".weights.h5"]), (".weights.h5", FULL, [".jpeg"]),
    (".weights.h5", KeyboardInterrupt(FULL.strerror), [".jpeg"]), (".json", FULL, [".jpeg", ".weights.h5"])], ids=repr)
def test_what_stops_the_writing_leaves_whole_files(tmp_path, monkeypatch, error, last, kept):
    replace = os.replace

    def stop(source, target):
        assert os.path.basename(source).startswith(".")
        if target.endswith(last):
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop)
    stops = pytest.raises((UserError, KeyboardInterrupt), match=FULL.strerror)
    with contextlib.nullcontext() if last == ".jpeg" else stops:
        results.write_run(str(tmp_path), {"stamp": 1.5}, {"acc": b"1"}, lenet5.build_lenet())
    assert sorted(name.split(".5")[1] for name in os.listdir(tmp_path)) == kept


def fail(*arguments, **options):
    raise FULL


@pytest.mark.parametrize("drawn, name", [(True, "donn\udce9es $x_$.npz"), (False, "few.npz")])
def test_run_outlives_its_pictures(drawn, name, digits_npz, tmp_path, monkeypatch, capsys):
    """Nor does a name matter that no screen shows, with two $, a formula to matplotlib."""
    monkeypatch.setattr(lenet5.mnist, "describe", lambda *arguments: {"name": name, "sha256": {}})
    if not drawn:
        monkeypatch.setattr(lenet5.pictures, "draw_curves", fail)
        monkeypatch.setattr(lenet5.pictures, "draw_errors", fail)
    arguments = ["--mnist", digits_npz, "--epochs", 1, "--batch-size", 500, "--logs", tmp_path]
    assert lenet5.main([str(argument) for argument in arguments]) == 0
    assert capsys.readouterr().out.count(f"No picture: {FULL.strerror}") == (0 if drawn else 2)
    record, _ = read_run(tmp_path)
    assert list(record) == KEYS and record["data"]["name"] == name
    assert len(list(tmp_path.glob("*.jpeg"))) == (3 if drawn else 0)


@pytest.mark.parametrize("function", ["support.results.save_weights", "os.replace"])
def test_folder_that_cannot_be_written_is_refused_before_training(function, digits_npz, tmp_path, monkeypatch, refused):
    refused("--mnist", digits_npz, "--logs", digits_npz / "logs", words=[f"--logs {digits_npz}/logs: cannot write"])
    monkeypatch.setattr(function, fail)
    refused("--mnist", digits_npz, "--logs", tmp_path, words=[f"--logs {tmp_path}", "No space left"])
    assert os.listdir(tmp_path) == []
