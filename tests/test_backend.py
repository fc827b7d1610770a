"""Keras is loaded without chatter, but not without reasons; importing does nothing; a GPU is used, or named."""
import importlib.util
import os
import re
import subprocess
import sys

import pytest

import lenet5
from conftest import ROOT, import_tensorflow, read_run, run
from support import backend, device
from support.weights import load_weights


@pytest.mark.parametrize("end, code, line", [
    ("raise ImportError('no libfoo')", 2, r"Keras cannot be loaded: no libfoo; .*"),
    ("raise KeyboardInterrupt", 130, "interrupted.*")], ids=["not there", "Ctrl-C"])
def test_end_while_keras_loads(tmp_path, end, code, line):
    (tmp_path / "keras.py").write_text(
        "import os\nos.write(2, b'I0000 00:00:1 cpu.cc:1] This TensorFlow binary is optimized\\n')\n"
        "os.write(2, b'WARNING: All log messages before absl::InitializeLog()\\na reason\\n')\n" + end)
    process = run("--help", PYTHONPATH=str(tmp_path))
    assert process.returncode == code
    assert re.fullmatch(rf"(a reason\n)+lenet5\.py: {line}\n", process.stderr), process.stderr


def test_stderr_that_takes_nothing():
    """As where it is closed, and a library's file has its number."""
    process = run("--help", preexec_fn=lambda: os.dup2(os.open(os.devnull, os.O_RDONLY), 2))
    assert process.returncode == 0 and "--epochs" in process.stdout


def test_importing_does_nothing():
    rooms = "backend, command_line, device, mnist, pictures, results, speed, weights, reading, reading.photographs"
    code = ("import os, sys; before = dict(os.environ), sys.stdout, sys.stderr\n"
            f"for name in '{rooms}'.split(', '): __import__('support.' + name)\n"
            "assert before == (dict(os.environ), sys.stdout, sys.stderr)\n"
            "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_import_of_lenet5_raises_where_keras_cannot_be_loaded():
    code = "import support\ntry: import lenet5\nexcept support.UserError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
                          env=dict(os.environ, KERAS_BACKEND="numpy"))
    assert re.fullmatch("Keras cannot be loaded: the backend numpy .*\n", done.stdout)


@pytest.mark.parametrize("settings, environment, chosen", [
    ("", {}, "tensorflow"), ('{"backend": "theano"}', {}, "tensorflow"), ("[]", {}, "tensorflow"),
    ('{"backend": "jax"}', {}, "jax"), ("", {"KERAS_BACKEND": "torch"}, "torch")])
def test_backend_that_is_installed_is_chosen(tmp_path, monkeypatch, settings, environment, chosen):
    (tmp_path / "keras.json").write_text(settings)
    installed = {"tensorflow", "jax"}
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: name in installed or None)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    for name, value in dict(environment, KERAS_HOME=str(tmp_path)).items():
        monkeypatch.setenv(name, value)
    assert backend.choose_backend() == chosen
    if not environment:     # without the one that is wanted
        monkeypatch.delenv("KERAS_BACKEND")
        installed.remove(chosen)
        assert backend.choose_backend() == {"tensorflow": "jax", "jax": "tensorflow"}[chosen]


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_other_backends(name, finished, digits, tmp_path):
    if not importlib.util.find_spec(name):
        pytest.skip(f"needs {name}: pip install -r tests/requirements-backends.txt")
    process = run(*finished.arguments, tmp_path, KERAS_BACKEND=name,
                  OMP_NUM_THREADS="1")      # PyTorch's threads stand in each other's way on a busy machine
    assert (process.returncode, process.stderr) == (0, "")
    record, weights = read_run(tmp_path)
    assert record["backend"] == name and record["versions"][name] and record["layers"] == "keras"
    assert record["history"]["val_loss"][-1] == record["test_loss"]
    # On TensorFlow, the accuracies of eight seeds have a standard deviation of .020 after so short a training
    assert abs(record["test_accuracy"] - finished.record["test_accuracy"]) < 3 * 2 ** .5 * .020
    lenet = lenet5.build_lenet()
    load_weights(lenet, str(weights))
    lenet5.compile_lenet(lenet)
    loss, accuracy = lenet.test_on_batch(*lenet5.preprocess(digits["x_test"], digits["y_test"]))
    assert loss == pytest.approx(record["test_loss"], rel=1e-5) and accuracy == pytest.approx(record["test_accuracy"])


# The GPU

@pytest.fixture
def driver(tmp_path, monkeypatch):
    """NVIDIA's driver, as Linux has it."""
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15\n")
    monkeypatch.setattr(device, "NVIDIA_DRIVER", str(tmp_path / "version"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize("name, version, words", [
    ("tensorflow", "2.21.0", 'pip install "tensorflow[and-cuda]==2.21.0"\n'),
    ("tensorflow", "2.10.1", "install the CUDA and cuDNN for TensorFlow 2.10.1, "),
    ("tensorflow", "1.15.5", "pip install tensorflow-gpu==1.15.5\n"), ("jax", "0.10.2", 'pip install "jax[cuda12]"\n')])
def test_gpu_that_is_not_seen(driver, name, version, words, monkeypatch, capsys):
    monkeypatch.setattr(backend, "get_name", lambda: name)
    monkeypatch.setattr(backend, "get_tensorflow", lambda: (None, None))
    monkeypatch.setattr(backend, "versions", lambda: {name: version})
    monkeypatch.setattr(backend, "find_gpu", lambda: None)
    assert device.describe() == ("cpu", device.describe_cpu())
    printed = capsys.readouterr().out
    assert printed.startswith("The NVIDIA GPU is not used, since ") and words in printed and printed.count("\n") == 1


@pytest.mark.parametrize("hide", [
    lambda monkeypatch: monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1"),
    lambda monkeypatch: monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ""),
    lambda monkeypatch: monkeypatch.setattr(import_tensorflow().config, "list_physical_devices", lambda kind: [kind])],
    ids=["-1", "empty", "set_visible_devices"])
def test_gpu_that_the_user_hid_is_not_spoken_of(driver, hide, monkeypatch, capsys):
    hide(monkeypatch)
    assert device.describe() == ("cpu", device.describe_cpu()) and not capsys.readouterr().out


def test_main_after_tensorflow_has_started_beside_a_gpu(finished, digits_npz, monkeypatch, capsys):
    def refuse(*arguments):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    tf = import_tensorflow()
    real = tf.config.get_visible_devices
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind=None: [kind] if kind == "GPU" else real(kind))
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "NVIDIA H100"})
    assert lenet5.main(["--mnist", str(digits_npz), "--evaluate", str(finished.weights)]) == 0
    output = capsys.readouterr().out
    assert "on NVIDIA H100\n" in output and f"Testing Accuracy: {finished.record['test_accuracy']}" in output
    lenet = lenet5.build_lenet()
    assert lenet5.accelerate(lenet) is lenet
