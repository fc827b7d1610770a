"""The record of a run says what was done; files are whole or not there; a run outlives what fails at its end."""
import contextlib
import copy
import errno
import hashlib
import os
import pathlib
import re
import stat
import subprocess
import time

import keras
import numpy as np
import pytest
from PIL import Image

import lenet5
from conftest import BACKEND, ROOT, read_run
from support import UserError, backend, device, results

KEYS = ["model", "stamp", "started", "commit", "versions", "backend", "device", "hardware", "gflops", "layers", "data",
        "config", "training_time", "test_loss", "test_accuracy", "history", "misclassified"]
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
    assert (record["model"], record["backend"]) == ("LeNet-5", BACKEND)
    assert record["layers"] == ("fast" if BACKEND == "tensorflow" else "keras")
    assert record["versions"] == backend.versions()
    assert (record["device"], record["hardware"]) == device.describe()
    assert isinstance(record["gflops"], int) and record["gflops"] > 0
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


def fail(*arguments, **options):
    raise FULL


@pytest.mark.parametrize("last, error, kept", [
    (".jpeg", FULL, [".json", ".weights.h5"]), (".json", FULL, [".jpeg", ".weights.h5"]), (".h5", FULL, []),
    (".h5", KeyboardInterrupt(), [])], ids=repr)
def test_what_stops_the_writing_leaves_whole_files_and_the_weights(last, error, kept, tmp_path, monkeypatch, capsys):
    link = os.link

    def stop(source, target):
        assert stat.S_IMODE(os.stat(os.path.dirname(source)).st_mode) == 0o700
        if target.endswith(last):
            raise error
        link(source, target)

    monkeypatch.setattr(os, "link", stop)
    monkeypatch.setattr(os, "rename", fail)     # taken where there are no links
    with pytest.raises((UserError, KeyboardInterrupt)) if last == ".h5" else contextlib.nullcontext():
        with results.RunFolder(str(tmp_path), 1.5, lenet5.build_lenet()) as run:
            run.write("LeNet-5.{}.weights.h5", b"weights")
            results.write_description(run, {"acc": b"1", "loss": None}, {"stamp": run.stamp})
    assert sorted(name.split(".5")[1] for name in os.listdir(tmp_path)) == kept
    assert capsys.readouterr().out.count("Not written: --logs") == (last != ".h5")


@pytest.mark.parametrize("has_links", [True, False])
def test_nothing_of_anyone_is_overwritten(has_links, tmp_path, monkeypatch):
    """Neither by another run of the same stamp, nor through what lies at its names."""
    if not has_links:
        monkeypatch.setattr(os, "link", fail)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "LeNet-5.1.5.json").symlink_to(tmp_path / "precious")
    os.mkfifo(tmp_path / "LeNet-5.1.5000000000000002.json")
    stamps = set()
    for _ in range(2):
        with results.RunFolder(str(tmp_path), 1.5, lenet5.build_lenet()) as run:
            path = run.write("LeNet-5.{}.json", b"{}")
            assert run.write("LeNet-5-acc.{}.jpeg", b"acc").endswith(f"acc.{run.stamp!r}.jpeg")
            assert pathlib.Path(path).read_bytes() == b"{}" and 1.5 < run.stamp < 1.6
            stamps.add(run.stamp)
    assert (tmp_path / "precious").read_text() == "precious" and len(stamps) == 2 and len(os.listdir(tmp_path)) == 7


@pytest.mark.parametrize("function", ["support.results.save_weights", "pathlib.Path.write_bytes"])
def test_folder_that_cannot_be_written_is_refused_before_training(function, digits_npz, tmp_path, monkeypatch, refused):
    refused("--mnist", digits_npz, "--logs", digits_npz / "logs", words=[f"--logs {digits_npz}/logs: cannot write"])
    monkeypatch.setattr(function, fail)
    refused("--mnist", digits_npz, "--logs", tmp_path, words=[f"--logs {tmp_path}", "No space left"])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("drawn, name", [(True, "donn\udce9es $x_$.npz"), (False, "few.npz")])
def test_run_outlives_what_describes_it(drawn, name, digits_npz, tmp_path, monkeypatch, capsys):
    """Nor does a name matter that no screen shows, with two $, a formula to matplotlib."""
    monkeypatch.setattr(lenet5.mnist, "describe", lambda *arguments: {"name": name, "sha256": {}})
    if not drawn:
        monkeypatch.setattr(lenet5.pictures, "draw_curves", fail)
        monkeypatch.setattr(lenet5.pictures, "draw_errors", fail)
        monkeypatch.setattr(keras.optimizers.Adadelta, "get_config", fail)
    arguments = ["--mnist", digits_npz, "--epochs", 1, "--batch-size", 500, "--logs", tmp_path]
    assert lenet5.main([str(argument) for argument in arguments]) == 0
    assert capsys.readouterr().out.count(f": {FULL.strerror}") == (0 if drawn else 3)
    record, _ = read_run(tmp_path)
    assert list(record) == KEYS and record["data"]["name"] == name
    assert record["config"]["optimizer"]["name"] == "Adadelta"
    assert len(list(tmp_path.glob("*.jpeg"))) == (3 if drawn else 0)


def test_history_of_any_fit(batch):
    """A test in every other epoch, and what a callback adds to the logs: as Keras' history has them."""
    network, added = lenet5.build_lenet(), {"when": "12:01", "at": 1649035239.34}
    lenet5.compile_lenet(network)
    fit, add = network.fit, keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(added))
    network.fit = lambda callbacks, **options: fit(callbacks=[add, *callbacks], validation_freq=2, verbose=0, **options)
    history = lenet5.train(network, batch, batch, 2, 100, "few")[0]["history"]
    assert {name: len(values) for name, values in history.items()} == {
        "loss": 2, "accuracy": 2, "val_loss": 1, "val_accuracy": 1, "when": 2, "at": 2}
    assert history["when"] == ["12:01"] * 2 and history["at"] == [1649035239.34] * 2


def test_fewest_digits_of_a_float32():
    values = [np.float32(.9905), float(np.float32(.9905)), .1, np.float32([.1]), 1e300, "12:01", None, 3]
    with np.printoptions(precision=2, legacy="1.13"):
        assert results.shorten(values) == [.9905, .9905, .1, [.1], 1e300, "12:01", None, 3]


def test_test_loss_that_is_not_finite():
    with pytest.raises(FloatingPointError, match="^val_loss is inf in epoch 3; try"):
        results.check_finite(2, {"loss": 1., "when": "12:01", "val_loss": np.inf})
