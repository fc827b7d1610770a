"""Keras, loaded quietly; seeds and threads; the device and the versions."""
import contextlib
import gc
import os
import platform
import re
import sys
import tempfile
import warnings

import numpy as np

from support import cpu
from support.command_line import INTERRUPTED, end

TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}     # Keras' backends that train
CHATTER = re.compile(rb"[IWE]0000 |WARNING: All log messages before absl")
NVIDIA_DRIVER = "/proc/driver/nvidia/version"       # there where the driver of an NVIDIA GPU is
CUDA = {"tensorflow": '"tensorflow[and-cuda]==2.21.0"', "jax": '"jax[cuda12]"', "torch": "torch"}


@contextlib.contextmanager
def without_chatter():
    """Hide what C++ libraries log to stderr while they load; what is no chatter is printed afterwards."""
    try:
        log = tempfile.TemporaryFile()
    except OSError:         # nowhere to write
        log = open(os.devnull, "w+b")
    stderr = os.dup(2)
    os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        with log:
            log.seek(0)
            os.write(2, b"".join(line for line in log if not CHATTER.match(line)))


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")     # off by default on processors without AVX-512 VNNI
if "ipykernel" not in sys.modules:
    os.environ.pop("MPLBACKEND", None)      # a notebook's children inherit it, and may lack what it names
gc.disable()    # looking through what the imports make, again and again, takes a tenth of their time
try:
    with without_chatter(), warnings.catch_warnings():
        warnings.simplefilter("ignore")         # of libraries about one another
        import keras
        try:
            import tensorflow as tf
        except ImportError:         # Keras' other backends do without, but load it later where it is
            tf = None
        import matplotlib.figure    # noqa: F401, here so that Ctrl-C is caught, since it takes long, too
    NAME = keras.backend.backend()
    if NAME not in TITLES:
        raise ImportError(f"the backend {NAME} cannot train")
except KeyboardInterrupt:           # while seconds pass
    sys.exit(end(*INTERRUPTED))
except (ImportError, ValueError, AttributeError) as error:      # the last two from what keras.json may hold
    sys.exit(end(2, f"Keras cannot be loaded: {error}; install requirements.txt, set KERAS_BACKEND=tensorflow,"
                 " or remove ~/.keras/keras.json"))
if hasattr(gc, "freeze"):       # not in Python 3.6
    gc.freeze()     # it stays until the end, and looking through it later would take a second of a run
gc.enable()

keras.backend.set_image_data_format("channels_last")        # keras.json may have the other, which is not the network's
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
        with contextlib.suppress(RuntimeError):     # TensorFlow has started already, and keeps its settings
            for gpu in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(gpu, True)
            if not find_gpu():
                # Half of the cores for an operation: fast.py has two halves of a batch side by side.
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
    """Return what the backend trains on: "gpu" or "cpu", and its name; print a line where a GPU lies idle."""
    gpu = find_gpu()
    if not gpu and os.path.exists(NVIDIA_DRIVER):
        package = "tensorflow-gpu==1.11.0" if TENSORFLOW_1 else CUDA[NAME]
        print(f"The NVIDIA GPU is not used, since {TITLES[NAME]} does not see it; try:"
              f" {sys.executable} -m pip install {package}")
    return ("gpu", gpu) if gpu else ("cpu", cpu.describe())


def versions():
    """Return the versions that a result depends on, by name."""
    return {"keras": keras.__version__, NAME: sys.modules[NAME].__version__,
            "python": platform.python_version(), "numpy": np.__version__}


def describe_versions():
    """Return the versions as a line for the screen."""
    return f"Keras {keras.__version__} on {TITLES[NAME]} {versions()[NAME]}, Python {platform.python_version()}"
