"""lenet5.py as its users run it: what it prints, its exit codes, and that runs repeat."""
import os
import re
import signal
import subprocess
import sys
import time

import h5py
import pytest

import lenet5
from conftest import ROOT, read_run, run
from constants import Constants
from support.command_line import one_line


def printed(process, name):
    return float(re.search(rf"^{name}: (.*)$", process.stdout, re.MULTILINE).group(1))


def test_what_is_printed(finished):
    process, record = finished.process, finished.record
    assert process.stderr == ""
    lines = process.stdout.splitlines()
    assert re.match(r"Keras \S+ on TensorFlow \S+, Python \S+\W.* on .*\w", lines[0])
    for line in ("Data: digits.npz, which is not MNIST", "Tensor Shape of each Image: (32, 32, 1)",
                 "Num of Training Samples: 2000", "Num of Testing Samples: 500", "Epoch 1/2", "Epoch 2/2"):
        assert line in lines
    assert re.search(r"32/32\b.*accuracy: .* loss: .* val_accuracy: .* val_loss: ", process.stdout)
    assert printed(process, "Training Time") == record["training_time"]
    assert printed(process, "Testing Loss") == record["test_loss"]
    assert printed(process, "Testing Accuracy") == record["test_accuracy"]
    assert lines[-1].startswith(f"| [record]({finished.logs}/LeNet-5.{record['stamp']!r}.json) |")


def test_one_seed_repeats_a_run_bit_for_bit(finished, tmp_path):
    assert run(*finished.arguments, tmp_path).returncode == 0
    record, weights = read_run(tmp_path)
    for key in "config", "history", "test_loss", "test_accuracy", "misclassified", "source", "data":
        assert record[key] == finished.record[key]
    with h5py.File(weights, "r") as file, h5py.File(finished.weights, "r") as other:
        assert file.attrs["sha256"] == other.attrs["sha256"]


def test_evaluate_repeats_the_test(finished, digits_npz):
    process = run("--mnist", digits_npz, "--batch-size", 64, "--evaluate", finished.weights)
    assert (process.returncode, process.stderr) == (0, "")
    assert printed(process, "Testing Loss") == finished.record["test_loss"]
    assert printed(process, "Testing Accuracy") == finished.record["test_accuracy"]
    assert "Epoch" not in process.stdout


def test_mnist_without_any_option_but_epochs(tmp_path):
    process = run("--epochs", 2, "--logs", tmp_path)
    assert (process.returncode, process.stderr) == (0, "")
    record, _ = read_run(tmp_path)
    assert record["data"] == {"name": "MNIST", "sha256": Constants.MNIST_SHA256} and "not MNIST" not in process.stdout
    assert record["config"]["batch_size"] == 128 and record["test_accuracy"] >= .97


# What ends with a line and a code

def test_usage(capsys):
    process = run("--epochs", 0)
    assert process.returncode == 2 and process.stdout == ""
    assert process.stderr == "lenet5.py: argument --epochs: '0' is not a whole number from 1 to 1000000; " \
        "see lenet5.py --help\n"
    with pytest.raises(SystemExit) as end:
        lenet5.main(["--help"])
    assert not end.value.code and "--evaluate FILE" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [
    ("--epochs", "0"), ("--epochs", "1.5"), ("--epochs", "x"), ("--batch-size", "-1"), ("--batch-size", "2001"),
    ("--seed", "-1"), ("--seed", str(2 ** 32)), ("--epoch-count", "3"), ("--mnist",), ("x",)], ids=" ".join)
def test_arguments(digits_npz, tmp_path, refused, arguments):
    refused("--mnist", digits_npz, "--logs", tmp_path, *arguments, words=arguments[:1])
    assert os.listdir(tmp_path) == []


def test_logs_folders(digits_npz, tmp_path, refused):
    (tmp_path / "file").write_text("")
    for logs in tmp_path / "file", tmp_path / "file" / "below", "/proc/none":
        refused("--mnist", digits_npz, "--logs", logs, words=["--logs", str(logs)])


def test_loss_that_is_not_a_number(digits_npz, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Constants, "LEARNING_RATE", float("inf"))
    assert lenet5.main(["--mnist", str(digits_npz), "--logs", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "epoch 1" in error
    assert os.listdir(tmp_path) == []


def test_ctrl_c_during_training(digits_npz, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "lenet5.py", "--mnist", digits_npz, "--epochs", "100000", "--logs", tmp_path], cwd=ROOT,
        env=dict(os.environ, PYTHONUNBUFFERED="1"), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))    # ignored in a shell's background job
    assert any(line.startswith("Epoch 2/") for line in process.stdout)
    time.sleep(.02)     # amid its steps: in the moment an epoch begins, TensorFlow 2.21 itself may abort
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=600)
    assert process.returncode == 130 and error.startswith("lenet5.py: interrupted") and error.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_mistakes_of_the_program_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(lenet5.mnist, "load_digits", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lenet5.main(["--evaluate", "weights"])


def test_main_leaves_the_process_as_it_was(digits_npz, finished):
    def look():
        signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
        return signals, sys.stdout, sys.stderr, os.fstat(1).st_ino, os.fstat(2).st_ino, os.getcwd(), dict(os.environ)
    before = look()
    assert lenet5.main(["--mnist", str(digits_npz), "--evaluate", str(finished.weights)]) == 0
    assert look() == before
    assert not sys.stdout.closed and not sys.stderr.closed


def test_reasons_are_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(KeyError("a")) == "a"
    assert one_line(ValueError()) == "ValueError"


# The published stack

def test_published_stack(request, digits_npz, tmp_path):
    python = request.config.getoption("--python36")
    if not python:
        pytest.skip("needs the published stack: --python36 PATH, see the README")

    def run36(*arguments):
        process = run(*arguments, python=python)
        return process, process.stderr.replace("Using TensorFlow backend.\n", "")

    from test_results import KEYS
    process, error = run36("--mnist", digits_npz, "--epochs", 1, "--seed", 3, "--logs", tmp_path)
    assert (process.returncode, error) == (0, "")
    record, weights = read_run(tmp_path)
    assert list(record) == KEYS and len(os.listdir(tmp_path)) == 5
    assert record["versions"]["keras"] == "2.1.6" and record["layers"] == "keras"
    assert record["config"]["loss"] == "categorical_crossentropy"
    optimizer = {"name": "Adadelta", "learning_rate": 1., "rho": .95, "epsilon": 1e-7}
    assert optimizer.items() <= record["config"]["optimizer"].items()
    assert set(record["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert record["history"]["val_loss"] == [record["test_loss"]]
    assert printed(process, "Testing Accuracy") == record["test_accuracy"]

    evaluate = "--mnist", digits_npz, "--evaluate", weights      # then and now
    for process in run36(*evaluate)[0], run(*evaluate):
        assert abs(printed(process, "Testing Loss") - record["test_loss"]) < 1e-5
        assert printed(process, "Testing Accuracy") == record["test_accuracy"]
    code = "import sys, warnings, lenet5; warnings.simplefilter('error', UserWarning);" \
        " lenet5.build_lenet().load_weights(sys.argv[1])"
    assert run36("-c", code, weights)[0].returncode == 0
    for mistake in ["--epochs", 0], ["--mnist", "none"], ["--evaluate", "none"]:
        process, error = run36(*mistake)
        assert process.returncode == 2 and error.count("\n") == 1 and error.startswith("lenet5.py: ")
