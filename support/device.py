"""What a run trains on: the GPU or the CPU, and how fast that is."""
import contextlib
import os
import platform
import sys
import time

import numpy as np

from support import backend
from support.command_line import say

EXTENSIONS = {"avx512_vnni": "AVX-512 VNNI", "avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
NVIDIA_DRIVER = "/proc/driver/nvidia/version"       # there where Linux has an NVIDIA GPU's driver


def describe():
    """Return what the backend trains on: "gpu" or "cpu", and its name; print a line where a GPU lies idle."""
    gpu = backend.find_gpu()
    if gpu:
        return "gpu", gpu
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1") or "JAX_PLATFORMS" in os.environ
    tf_2 = backend.get_tensorflow()[1]
    if os.path.exists(NVIDIA_DRIVER) and not hidden and not (tf_2 and backend.list_gpus(tf_2, visible=False)):
        title = backend.TITLES[backend.get_name()]
        say(f"The NVIDIA GPU is not used, since {title} does not see it; {advise_on_gpu()}")
    return "cpu", describe_cpu()


def advise_on_gpu():
    """Return what makes the backend at hand see an NVIDIA GPU on Linux."""
    name = backend.get_name()
    version = backend.versions()[name]
    release = backend.parse_release(version)
    package = {"jax": '"jax[cuda12]"', "torch": "torch"}.get(name, f'"tensorflow[and-cuda]=={version}"')
    if name == "tensorflow" and release < (2, 1):
        package = f"tensorflow-gpu=={version}"
    elif name == "tensorflow" and release < (2, 14):        # no package brings CUDA along
        return f"install the CUDA and cuDNN for TensorFlow {version}, see https://www.tensorflow.org/install/source#gpu"
    return f"try: {sys.executable} -m pip install {package}"


def describe_cpu():
    """Return the processor's name, the cores that this process may use, and the widest vector extension."""
    name, extension = platform.processor() or platform.machine(), ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        lines = dict(map(str.strip, line.split(":", 1)) for line in file if ":" in line)
        name, flags = lines.get("model name", name), lines.get("flags", "").split()
        extension = next((label for flag, label in EXTENSIONS.items() if flag in flags), "")
    cores = f"{backend.count_cores()} core{'s' if backend.count_cores() > 1 else ''}"
    return f"{name} ({', '.join(filter(None, [cores, extension]))})"


def measure_gflops():
    """Return the rate of a large product in GFLOP/s, the best in a tenth of a second; a time means little without."""
    factor, rate, end = np.ones((1024, 1024), np.float32), 0, time.perf_counter() + .1
    while time.perf_counter() < end:
        start = time.perf_counter()
        factor.dot(factor)
        rate = max(rate, 2 * 1024 ** 3 / (time.perf_counter() - start))
    return round(rate / 1e9)
