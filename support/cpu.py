"""The CPU: its name and the cores that this process may use."""
import contextlib
import os
import platform

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
