"""Keras is loaded without chatter, but not without reasons; the device and the versions are the real ones."""
import os
import re
import sys

import numpy as np
import pytest
import tensorflow as tf

from conftest import run
from support import backend, cpu


@pytest.mark.parametrize("end, code, error", [
    ("os.abort()", -6, "terminate called\n"),
    ("raise KeyboardInterrupt", 130, r"terminate called\nlenet5\.py: interrupted.*\n")], ids=["abort", "Ctrl-C"])
def test_end_while_keras_loads(tmp_path, end, code, error):
    (tmp_path / "keras.py").write_text(
        "import os\nos.write(2, b'I0000 00:00:1 cpu.cc:1] This TensorFlow binary is optimized\\n')\n"
        "os.write(2, b'WARNING: All log messages before absl::InitializeLog()\\nterminate called\\n')\n" + end)
    process = run("--help", PYTHONPATH=str(tmp_path))
    assert process.returncode == code and re.fullmatch(error, process.stderr), process.stderr


def test_one_seed_gives_the_same_numbers():
    drawn = []
    for _ in range(2):
        backend.set_up(3)
        drawn.append([np.random.rand(), tf.random.uniform([]).numpy()])
    assert drawn[0] == drawn[1]


def test_device_and_versions():
    assert re.search(r"\w.* \(\d+ cores?\b.*\)", cpu.describe())
    python, numpy = sys.version.split()[0], np.__version__
    versions = backend.versions()
    assert versions["python"] == python and versions["numpy"] == numpy and versions["tensorflow"] == tf.__version__
    assert backend.describe_versions() == f"Keras {versions['keras']} on TensorFlow {tf.__version__}, Python {python}"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux, where a process can be kept to a core")
def test_cores_are_those_that_the_process_may_use():
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert cpu.count_cores() == 1
    finally:
        os.sched_setaffinity(0, cores)
    assert cpu.count_cores() == len(cores)
