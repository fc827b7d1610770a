"""The committed series are whole, and the code at hand gives what they record."""
import re

import keras
import numpy as np
import pytest

import lenet5
import series
import values
from constants import Constants
from support import backend, mnist, weights

LOGS = values.HERE.parents[1] / Constants.LOGS_DIR


@pytest.fixture(scope="module")
def everything():
    return mnist.load_digits()


@pytest.mark.parametrize("folder", values.SEEDS)
def test_series_is_whole(folder):
    records = values.load_series(folder)
    assert [record["config"]["seed"] for record in records] == list(range(values.SEEDS[folder]))
    made_by = {(record["commit"], record["hardware"], record["layers"], str(record["versions"])) for record in records}
    assert len(made_by) == 1 and not records[0]["commit"].endswith("-dirty")
    assert records[0]["versions"]["keras"][0] == folder[-1]
    for record in records:
        assert record["data"]["sha256"] == Constants.MNIST_SHA256
        assert record["config"]["batch_size"] == Constants.BATCH_SIZE
        assert all(len(metric) == Constants.EPOCHS for metric in record["history"].values())
        assert record["history"]["val_accuracy"][-1] == record["test_accuracy"]
        assert record["history"]["val_loss"][-1] == record["test_loss"]
        assert len(record["misclassified"]) == round(10000 * (1 - record["test_accuracy"]))


@pytest.mark.parametrize("folder", values.SEEDS)
def test_weights_give_their_record(folder, everything):
    record = values.load("series", folder, "00.json")
    images, labels = lenet5.preprocess(everything["x_test"], everything["y_test"])
    lenet = lenet5.build_lenet()
    lenet5.compile_lenet(lenet)
    weights.load_weights(lenet, str(values.HERE / "series" / folder / "00.weights.h5"))
    assert lenet.evaluate(images, labels, Constants.BATCH_SIZE, verbose=0) == [
        pytest.approx(record["test_loss"], rel=1e-5), pytest.approx(record["test_accuracy"], abs=1e-7)]
    assert lenet5.find_misclassified(lenet, images, everything["y_test"]) == record["misclassified"]


def test_first_epoch_is_as_recorded(everything):
    training, test = (lenet5.preprocess(everything["x_" + part], everything["y_" + part])
                      for part in ("train", "test"))
    keras.utils.set_random_seed(0)
    network = lenet5.accelerate(lenet5.build_lenet())
    lenet5.compile_lenet(network)
    result, _ = lenet5.train(network, training, test, 1, Constants.BATCH_SIZE, "MNIST")
    for metric in "loss", "val_accuracy":
        recorded = [record["history"][metric][0] for record in values.load_series("keras-3")]
        assert abs(result["history"][metric][0] - np.mean(recorded)) < 4 * np.std(recorded, ddof=1), metric


@pytest.mark.parametrize("path", ["benchmark/benchmark.json", "series/changes.json", "departures/results.json"])
def test_results_say_what_made_them(path):
    found = values.load(path)
    commits = re.findall('"commit": (.*?)[,}]', str(found).replace("'", '"'))
    assert commits and all(re.fullmatch('"[0-9a-f]{7,40}"', commit) for commit in commits)
    assert found["versions"]["keras"] and "hardware" in found


def test_logs_have_row_three():
    stamp = values.load("series", "keras-3", "00.json")["stamp"]
    for name in "json", "weights.h5":
        run, kept = LOGS / f"LeNet-5.{stamp}.{name}", values.HERE / "series" / "keras-3" / f"00.{name}"
        assert run.read_bytes() == kept.read_bytes()
    assert all((LOGS / f"LeNet-5-{picture}.{stamp}.jpeg").exists() for picture in ("acc", "loss", "errors"))


WRITE = '''import json, os, sys        # what lenet5.py begins with, so that it ends at once
os.mkdir("logs-lenet")
json.dump(dict.fromkeys(%s, "%s"), open("logs-lenet/run.json", "w"))
sys.exit()
"""'''


@pytest.mark.skipif(not (series.ROOT / ".git").exists(), reason="needs a clone, of which series.py makes one")
def test_changes_are_measured_once(tmp_path, monkeypatch):
    path = tmp_path / "changes.json"
    monkeypatch.setattr(series, "CHANGES", {name: ('"""LeNet-5', WRITE % (series.KEPT, name)) for name in "ab"})
    for seeds in 1, 2:
        series.measure_changes(range(seeds), path)
    runs = [(run["seed"], run["change"], run["layers"]) for run in values.load(path)["runs"]]
    assert runs == [(0, "a", "a"), (0, "b", "b"), (1, "a", "a"), (1, "b", "b")]
    monkeypatch.setattr(backend, "versions", lambda: "others")
    with pytest.raises(SystemExit, match="others"):
        series.measure_changes(range(3), path)
