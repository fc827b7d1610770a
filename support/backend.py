"""Keras, whichever is installed: loaded quietly, seeded, and asked for its GPU and its versions.

What differs between TensorFlow 1.11 and 2.22, JAX and PyTorch stands here. It is asked for by what a library has;
versions are compared only where nothing can be asked.
"""
import contextlib
import functools
import importlib.util
import json
import logging
import os
import platform
import random
import re
import sys
import tempfile
import warnings

import numpy as np

from support import UserError, one_line

TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}     # the backends that train
CHATTER = re.compile(rb"[IWE]0000 |WARNING: All log messages before absl|Using TensorFlow backend")


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
        with log, contextlib.suppress(OSError):     # a closed stderr, whose number another file took
            log.seek(0)
            os.write(2, b"".join(line for line in log if not CHATTER.match(line)))


@functools.lru_cache(maxsize=None)
def load_keras():
    """Load Keras without chatter, on a backend that is installed, and return it. Raises UserError where that fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if sys.version_info >= (3, 10):     # TensorFlow 2.6, for Python up to 3.9, dies of it
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")     # off by default on processors without AVX-512 VNNI
    try:
        with without_chatter(), warnings.catch_warnings():
            warnings.simplefilter("ignore")         # of libraries about one another
            keras = import_keras(choose_backend())
            try:
                import matplotlib       # takes long, too
            except ValueError:          # MPLBACKEND, which a notebook's children inherit, names what they lack
                del os.environ["MPLBACKEND"]
                import matplotlib       # noqa: F401
    except (ImportError, ValueError, AttributeError, TypeError) as error:       # damaged or foreign installations
        raise UserError(f"Keras cannot be loaded: {one_line(error)}; install requirements.txt, set"
                        " KERAS_BACKEND=tensorflow, or remove ~/.keras/keras.json")
    keras.backend.set_image_data_format("channels_last")        # keras.json may have the other, which is not LeNet's
    return keras


def choose_backend():
    """Return KERAS_BACKEND; where it is not set, set it to what keras.json says, or else to one that is installed."""
    if "KERAS_BACKEND" not in os.environ:
        chosen = None
        with contextlib.suppress(OSError, ValueError, AttributeError):      # no keras.json, or one of any content
            home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
            with open(os.path.join(home, "keras.json")) as file:
                chosen = json.load(file).get("backend")
        names = [name for name in [chosen, *TITLES] if name in list(TITLES) and importlib.util.find_spec(name)]
        os.environ["KERAS_BACKEND"] = names[0] if names else "tensorflow"
    return os.environ["KERAS_BACKEND"]


def import_keras(name):
    """Return the package keras, or of a TensorFlow 2 before Keras 3 the Keras that is a part of it."""
    if name not in TITLES:
        raise ImportError(f"the backend {name} cannot train, or is not known")
    if name == "tensorflow":
        import tensorflow as tf
        # Deprecations of what Keras itself calls (1.13 to 1.15), and functions that a second network traces again
        own = re.compile("deprecated|<function (Model|TensorFlowTrainer).* retracing")
        logging.getLogger("tensorflow").addFilter(lambda record: not own.search(str(record.msg)))
        if hasattr(tf, "Session"):      # TensorFlow 1
            # Else a weight may be overwritten before every gradient has read it: 1.13 and 1.14 do not learn then
            tf.enable_resource_variables()
        elif parse_release(tf.__version__) < (2, 16):       # which could be asked of tf.keras only by loading it
            return tf.keras
    import keras
    return keras


def parse_release(version):
    """Return a version's first two numbers."""
    return tuple(int(number) for number in version.split(".")[:2])


def get_name():
    """Return the name of the backend."""
    return getattr(load_keras().backend, "backend", lambda: "tensorflow")()     # TensorFlow's own Keras does not say


def get_tensorflow():
    """Return the module tensorflow twice, for version 1 and for version 2: None where it is not the backend."""
    if get_name() != "tensorflow":
        return None, None
    import tensorflow as tf
    return (tf, None) if hasattr(tf, "Session") else (None, tf)


def set_up(seed):
    """Seed all random numbers, set the threads, and let memory on a GPU grow as needed."""
    keras, (tf_1, tf_2) = load_keras(), get_tensorflow()
    if hasattr(keras.utils, "set_random_seed"):
        with without_chatter():     # of TensorFlow, which this loads where it is installed, on another backend, too
            keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)
        np.random.seed(seed)
        tf_1.set_random_seed(seed) if tf_1 else tf_2.random.set_seed(seed)
    if tf_1:
        keras.backend.set_session(tf_1.Session(config=tf_1.ConfigProto(gpu_options=tf_1.GPUOptions(allow_growth=True))))
    elif tf_2:
        with contextlib.suppress(RuntimeError):     # TensorFlow has started already, and keeps its settings
            for gpu in list_gpus(tf_2):
                tf_2.config.experimental.set_memory_growth(gpu, True)
            if can_accelerate():
                # Half of the cores for an operation, since accelerate has two halves of a batch side by side
                tf_2.config.threading.set_intra_op_parallelism_threads(max(1, count_cores() // 2))


def count_cores():
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def can_accelerate():
    """True if the speed room's layers can be used: on a CPU, by TensorFlow and Keras 3.8 or later."""
    _, tf_2 = get_tensorflow()      # earlier ones fail at a last execution of fewer steps
    return bool(tf_2) and hasattr(load_keras().Sequential(), "unrolled_steps_per_execution") and not find_gpu()


def list_gpus(tf, visible=True):
    """Return the GPUs that TensorFlow 2 sees, or all that are there."""
    config = tf.config if hasattr(tf.config, "get_visible_devices") else tf.config.experimental     # TensorFlow 2.0
    return config.get_visible_devices("GPU") if visible else config.list_physical_devices("GPU")


def find_gpu():
    """Return the name of the GPU that the backend trains on, or None where that is a CPU."""
    name, (tf_1, tf_2) = get_name(), get_tensorflow()
    if tf_1:
        from tensorflow.python.client import device_lib
        names = [device.physical_device_desc.split("name: ")[1].split(",")[0]
                 for device in device_lib.list_local_devices() if device.device_type == "GPU"]
    elif tf_2:
        describe = getattr(tf_2.config.experimental, "get_device_details", lambda gpu: {})      # since 2.3
        names = [describe(gpu).get("device_name", "GPU") for gpu in list_gpus(tf_2)]
    elif name == "jax":
        import jax
        names = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    else:
        import torch
        names = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return names[0] if names else None


def versions():
    """Return the versions that a result depends on, by name."""
    keras, name = load_keras(), get_name()
    keras = keras if hasattr(keras, "__version__") else sys.modules["keras"]        # TensorFlow 2.13 to 2.15
    return {"keras": keras.__version__, name: sys.modules[name].__version__,
            "python": platform.python_version(), "numpy": np.__version__}


def describe_versions():
    """Return the versions as a line for the screen."""
    name, found = get_name(), versions()
    return f"Keras {found['keras']} on {TITLES[name]} {found[name]}, Python {found['python']}"
