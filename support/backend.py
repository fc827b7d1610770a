"""Keras, loaded quietly; seeds and threads; the device's name and the versions."""
import contextlib
import gc
import os
import platform
import shutil
import subprocess
import sys
import warnings

import numpy as np

from support import cpu
from support.command_line import INTERRUPTED, end


@contextlib.contextmanager
def without_chatter():
    """Hide what C++ libraries log to stderr while they load; the reason of an abort still gets through.

    A process of its own reads along, since this one may be gone by then.
    """
    if not shutil.which("grep"):        # as on Windows
        yield
        return
    stderr = os.dup(2)
    reader = subprocess.Popen(["grep", "-v", "-e", "^[IWE]0000 ", "-e", "^WARNING: All log messages before absl"],
                              stdin=subprocess.PIPE, stdout=stderr, start_new_session=True)
    try:
        os.dup2(reader.stdin.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        reader.stdin.close()
        reader.wait()


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")     # off by default on processors without AVX-512 VNNI
gc.disable()    # looking through what the imports make, again and again, takes a tenth of their time
try:
    with without_chatter(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)      # TensorFlow 1.11 on the NumPy of its last days
        import keras
        try:
            import tensorflow as tf
        except ImportError:         # Keras' other backends do without, but load it later where it is
            tf = None
        import matplotlib.figure    # noqa: F401, here so that Ctrl-C is caught, since it takes long, too
except KeyboardInterrupt:           # while seconds pass
    sys.exit(end(*INTERRUPTED))
getattr(gc, "freeze", gc.collect)()     # Python 3.6 has no freeze
gc.enable()

NAME = keras.backend.backend()
TENSORFLOW_1 = NAME == "tensorflow" and keras.__version__.startswith("2.")      # the published stack
TENSORFLOW_2 = NAME == "tensorflow" and not TENSORFLOW_1


def set_up(seed):
    """Seed all random numbers, set the threads, and let memory on a GPU grow as needed."""
    if TENSORFLOW_1:
        np.random.seed(seed)
        tf.set_random_seed(seed)
        # One operation at a time: with more, Keras 2.1.6 lets a weight's update
        # race the gradients that still read the weight, and no run repeats.
        keras.backend.set_session(tf.Session(config=tf.ConfigProto(
            inter_op_parallelism_threads=1, gpu_options=tf.GPUOptions(allow_growth=True))))
        return
    keras.utils.set_random_seed(seed)
    if TENSORFLOW_2:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        if not find_gpu():
            # Half of the cores for an operation: fast.py has two halves of a batch side by side.
            with contextlib.suppress(RuntimeError):     # TensorFlow has started already; it is only slower then
                tf.config.threading.set_intra_op_parallelism_threads(max(1, cpu.count_cores() // 2))


def find_gpu():
    """Return the name of the GPU that the backend trains on, or None where that is a CPU."""
    if TENSORFLOW_1:
        from tensorflow.python.client import device_lib
        names = [device.physical_device_desc.split("name: ")[1].split(",")[0]
                 for device in device_lib.list_local_devices() if device.device_type == "GPU"]
    elif TENSORFLOW_2:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
                 for gpu in tf.config.list_physical_devices("GPU")]
    elif NAME == "jax":
        import jax
        names = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    else:
        import torch
        names = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return names[0] if names else None


def describe_device():
    """Return the name of the device that the backend trains on."""
    return find_gpu() or cpu.describe()


def versions():
    """Return the versions that a result depends on, by name."""
    return {"keras": keras.__version__, NAME: sys.modules[NAME].__version__,
            "python": platform.python_version(), "numpy": np.__version__}


def describe_versions():
    """Return the versions as a line for the screen."""
    return f"Keras {keras.__version__} on {TITLES[NAME]} {versions()[NAME]}, Python {platform.python_version()}"


TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
