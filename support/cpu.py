"""The CPU: its name and the cores that this process may use."""
import contextlib
import os
import platform
import time

import numpy as np

EXTENSIONS = {"avx512_vnni": "AVX-512 VNNI", "avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}


def count_cores():
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def describe():
    """Return the processor's name, the cores that this process may use, and the widest vector extension."""
    name, extension = platform.processor() or platform.machine(), ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
        lines = {key.strip(): value.strip() for key, value in lines.items()}
        name, flags = lines.get("model name", name), lines.get("flags", "").split()
        extension = next((label for flag, label in EXTENSIONS.items() if flag in flags), "")
    cores = f"{count_cores()} core{'s' if count_cores() > 1 else ''}"
    return f"{name} ({', '.join(filter(None, [cores, extension]))})"


def measure_gflops():
    """Return the rate of a large product in GFLOP/s, the best in a tenth of a second; a time means little without."""
    factor, rate, end = np.ones((1024, 1024), np.float32), 0, time.perf_counter() + .1
    while time.perf_counter() < end:
        start = time.perf_counter()
        factor.dot(factor)
        rate = max(rate, 2 * 1024 ** 3 / (time.perf_counter() - start))
    return round(rate / 1e9)
