"""lenet5.py as its users run it: what it prints, its exit codes, and that runs repeat."""
import io
import os
import re
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from PIL import Image

import lenet5
from conftest import BACKEND, IGNORED, ROOT, read_run, run
from constants import Constants
from support import backend, command_line
from test_results import KEYS


def printed(output, name):
    return float(re.search(rf"^{name}: (.*)$", output, re.MULTILINE).group(1))


def test_what_is_printed(finished):
    output, record = finished.process.stdout, finished.record
    assert finished.process.stderr == "" and "\b" not in output
    lines = output.splitlines()
    assert re.match(r"Keras \S+ on %s \S+, Python \S+\W.* on .*\w" % backend.TITLES[BACKEND], lines[0])
    for line in ("Data: digits.npz, which is not MNIST", "Tensor Shape of each Image: (32, 32, 1)",
                 "Num of Training Samples: 2000", "Num of Testing Samples: 500", "Epoch 1/2", "Epoch 2/2"):
        assert line in lines
    assert re.search(r"100/100\b.*accuracy: .* loss: .* val_accuracy: .* val_loss: ", output)
    for name, key in ("Training Time", "training_time"), ("Testing Loss", "test_loss"):
        assert printed(output, name) == record[key]
    assert f"{finished.logs}/LeNet-5.{record['stamp']!r}.json" in lines[-1]


def leave_no_stream():
    """Have a process' stdout full and its stderr closed."""
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    os.close(2)


def test_one_seed_repeats_a_run_bit_for_bit_whatever_is_around(finished, tmp_path):
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    process = run(*finished.arguments, tmp_path / "logs", KERAS_HOME=str(tmp_path), preexec_fn=leave_no_stream,
                  PYTHONWARNINGS=",".join(["error", *IGNORED]),
                  MPLBACKEND="module://matplotlib_inline.backend_inline")
    assert process.returncode == 0
    record, weights = read_run(tmp_path / "logs")
    for key in "commit", "config", "history", "test_loss", "test_accuracy", "misclassified", "data":
        assert record[key] == finished.record[key]
    for name in "conv2d", "conv2d_2", "dense_1":
        arrays = [h5py.File(path, "r")[f"layers/{name}/vars/0"][()] for path in (weights, finished.weights)]
        assert np.array_equal(*arrays)


def test_evaluate_repeats_the_test(finished, digits_npz, capsys):
    arguments = ["--mnist", digits_npz, "--batch-size", 20, "--evaluate", finished.weights]
    assert lenet5.main([str(argument) for argument in arguments]) == 0
    output, error = capsys.readouterr()
    assert printed(output, "Testing Loss") == finished.record["test_loss"]
    assert printed(output, "Testing Accuracy") == finished.record["test_accuracy"]
    assert "Epoch" not in output and not error


# What ends with a line and a code

@pytest.mark.parametrize("arguments", [
    ("--epochs", "0"), ("--batch-size", "2001"), ("--seed", str(2 ** 32)), ("--epoch-count", "3"), ("x",),
    ("--weights", "file"), ("--read", "a.png", "--evaluate", "b"), ("--evaluate", ""), ("--read", "")], ids=" ".join)
def test_arguments(digits_npz, tmp_path, refused, arguments):
    refused("--mnist", digits_npz, "--logs", tmp_path, *arguments, words=arguments[:1])
    assert os.listdir(tmp_path) == []


def test_loss_that_is_not_a_number(digits_npz, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Constants, "LEARNING_RATE", float("inf"))
    assert lenet5.main(["--mnist", str(digits_npz), "--logs", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "epoch 1;" in error
    assert os.listdir(tmp_path) == []


def test_what_a_name_brings_to_the_screen(tmp_path, capsys):
    name = tmp_path / "\x1b[2J\r\n\udce9\u202e.png"
    assert lenet5.main(["--read", str(name), "--logs", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "\x1b" not in error and r"\x1b[2J\r\n\udce9\u202e" in error
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    command_line.say("caf\xe9", ascii_only)
    assert ascii_only.buffer.getvalue() == b"caf\\xe9\n"


class Tee:
    """A stdout as programs replace it; it keeps what each write was."""

    def __init__(self):
        self.written = []

    def write(self, text):
        self.written.append(text)

    def flush(self):
        pass


def test_main_in_another_program(finished, digits_npz, monkeypatch):
    tee = Tee()
    monkeypatch.setattr(sys, "stdout", tee)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    monkeypatch.setattr(lenet5.mnist, "load_digits", lambda path: pytest.fail("it trains"))
    with pytest.raises(pytest.fail.Exception):
        lenet5.main()
    assert sys.stdout is tee and tee.written[0].endswith("\n") and all(tee.written)


def test_ctrl_c_during_training(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "lenet5.py", "--logs", tmp_path], cwd=ROOT, env=dict(os.environ, PYTHONUNBUFFERED="1"),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))    # ignored in a shell's background job
    assert any(line.startswith("Epoch 2/") for line in process.stdout)
    process.stdout.read(200)    # amid its steps: in the moment an epoch begins, TensorFlow 2.21 itself may crash
    time.sleep(.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=600)
    assert process.returncode == 130 and error.startswith("lenet5.py: interrupted") and error.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_read(digits, tmp_path, capsys):
    for number in 0, 1:
        page = np.zeros((400, 300), np.uint8)
        page[40:208, 70:238] = np.kron(digits["x_test"][number], np.ones((6, 6), np.uint8))
        Image.fromarray(255 - page).save(tmp_path / f"{number}.png")
    (tmp_path / "text").write_text("text")
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 a JPEG that is cut")
    paths = [str(tmp_path / name) for name in ("0.png", "text", "cut.jpg", "none", "1.png")]
    assert lenet5.main(["--read", *paths, "--logs", str(tmp_path / "logs")]) == 2
    output, error = capsys.readouterr()
    for line, path, label in zip(output.splitlines(), [paths[0], paths[4]], digits["y_test"]):
        assert re.fullmatch(rf"{path}: {label} \([01]\.\d\d\)", line)
    assert output.count("\n") == 3 and error.count("\n") == 3
    assert re.fullmatch(rf"Pictures: {tmp_path}/logs/LeNet-5-read\.[\d.]+-1\.jpeg to -5\.jpeg", output.splitlines()[2])
    assert [line.split(": ")[0] for line in error.splitlines()] == paths[1:4]
    assert sorted(re.sub(r"\d+\.\d+", "STAMP", name) for name in os.listdir(tmp_path / "logs")) == [
        "LeNet-5-read.STAMP-1.jpeg", "LeNet-5-read.STAMP-5.jpeg"]


# The published stack

def test_published_stack(request, digits_npz, tmp_path):
    python = request.config.getoption("--python36")
    if not python:
        pytest.skip("needs the published stack: --python36 PATH, see the README")

    process = run("--mnist", digits_npz, "--epochs", 1, "--seed", 3, "--logs", tmp_path, python=python)
    assert (process.returncode, process.stderr) == (0, "")
    record, _ = read_run(tmp_path)
    assert list(record) == KEYS and len(os.listdir(tmp_path)) == 5
    assert record["versions"]["keras"] == "2.1.6" and record["layers"] == "keras"
    assert record["config"]["loss"] == "categorical_crossentropy"
    optimizer = {"name": "Adadelta", "learning_rate": 1., "rho": .95, "epsilon": 1e-7}
    assert optimizer.items() <= record["config"]["optimizer"].items()
    assert set(record["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert record["history"]["val_loss"] == [record["test_loss"]]
    assert printed(process.stdout, "Testing Accuracy") == record["test_accuracy"]
