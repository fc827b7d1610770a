"""Keras is loaded without chatter, but not without reasons; the device and the versions are the real ones."""
import os
import re
import sys

import pytest
import tensorflow as tf

import lenet5
from conftest import ROOT, run
from support import backend, cpu


@pytest.mark.parametrize("end, code, line", [
    ("raise ImportError('no libfoo')", 2, r"Keras cannot be loaded: no libfoo; .*"),
    ("raise KeyboardInterrupt", 130, "interrupted.*")], ids=["not there", "Ctrl-C"])
def test_end_while_keras_loads(tmp_path, end, code, line):
    (tmp_path / "keras.py").write_text(
        "import os\nos.write(2, b'I0000 00:00:1 cpu.cc:1] This TensorFlow binary is optimized\\n')\n"
        "os.write(2, b'WARNING: All log messages before absl::InitializeLog()\\na reason\\n')\n" + end)
    process = run("--help", PYTHONPATH=str(tmp_path))
    assert process.returncode == code
    assert re.fullmatch(rf"a reason\nlenet5\.py: {line}\n", process.stderr), process.stderr


@pytest.mark.parametrize("name", ["foo", "theano"])
def test_backend_that_cannot_be_used(tmp_path, name):
    (tmp_path / "keras.json").write_text('{"backend": "theano"}')
    environment = {"KERAS_HOME": str(tmp_path)} if name == "theano" else {"KERAS_BACKEND": name}
    process = run("--evaluate", "none", **environment)
    assert process.returncode == 2 and process.stderr.count("\n") == 1, process.stderr
    assert process.stderr.startswith("lenet5.py: ") and f" {name}" in process.stderr
    assert "KERAS_BACKEND" in process.stderr


def test_gpu_that_is_not_seen(tmp_path, monkeypatch, capsys):
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15\n")
    monkeypatch.setattr(backend, "NVIDIA_DRIVER", str(tmp_path / "version"))
    monkeypatch.setattr(backend, "find_gpu", lambda: None)
    assert backend.describe_device() == ("cpu", cpu.describe())
    with open(os.path.join(ROOT, "requirements.txt")) as file:
        pinned = re.search('tensorflow(==.*); python_version != "3.6"', file.read()).group(1)
    assert capsys.readouterr().out == ("The NVIDIA GPU is not used, since TensorFlow does not see it; try:"
                                       f' {sys.executable} -m pip install "tensorflow[and-cuda]{pinned}"\n')
    monkeypatch.setattr(backend, "find_gpu", lambda: "NVIDIA H100")
    assert backend.describe_device() == ("gpu", "NVIDIA H100") and not capsys.readouterr().out


def test_main_after_tensorflow_has_started_beside_a_gpu(finished, digits_npz, monkeypatch, capsys):
    def refuse(*arguments):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    real = tf.config.list_physical_devices
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [kind] if kind == "GPU" else real(kind))
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "NVIDIA H100"})
    assert lenet5.main(["--mnist", str(digits_npz), "--evaluate", str(finished.weights)]) == 0
    output = capsys.readouterr().out
    assert "on NVIDIA H100\n" in output and f"Testing Accuracy: {finished.record['test_accuracy']}" in output
    lenet = lenet5.build_lenet()
    assert lenet5.accelerate(lenet) is lenet
