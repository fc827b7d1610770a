"""Time lenet5.py's training beside its peers', on the same work.

    python assets/evidence/benchmark/benchmark.py [--epochs N] [--rounds N] [--python36 PATH] [--json FILE]

Every contestant trains the same network on MNIST: batches of 128, shuffled, dropout, Adadelta,
a test in batches of 128 after each epoch. In each round they run one after the other, each in a
process of its own. Each result is written to the JSON as soon as it is there, and is not
measured again. A result has
    seconds         for the epochs with their tests, with all compilation but PyTorch's
    compilation     seconds that PyTorch compiled before the epochs
    accuracy        on the test set
    first_epoch     seconds from the process' start to the end of the first epoch with its test
    process         seconds from the process' start to its end; pictures and records are not written
    memory          the peak, in bytes, on Linux
"arithmetic" is the time that the multiplications and additions alone would take, those of
training being three times those of a forward pass: at this machine's rate, in operations a second,
the median of 21 products of large matrices. PyTorch and JAX need requirements.txt in the folder
above, the stack of 2018 --python36.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(HERE.parent)]

import measured
from contestants import CONTESTANTS

START = """\
import sys, time; begin = time.time(); sys.path[:0] = sys.argv[1:3]
import contestants; contestants.CONTESTANTS[sys.argv[3]](int(sys.argv[4]), sys.argv[5], begin)"""


def compete(name, python, epochs, path=ROOT / "assets" / "mnist.npz"):
    """Run a contestant on a file of digits, in a process of its own; return its result."""
    start = time.time()
    run = subprocess.run([python, "-c", START, HERE, ROOT, name, str(epochs), path], capture_output=True, text=True)
    process = time.time() - start
    found = re.search("^RESULT (.*)", run.stdout, re.MULTILINE)
    if not found:
        sys.exit(f"{name}: {run.stderr.strip() or 'no output'}")
    return dict(json.loads(found.group(1)), process=process)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python36", help="the 2018 stack's interpreter; without it, that does not take part")
    parser.add_argument("--json", type=pathlib.Path, default=HERE / "benchmark.json", help="(%(default)s)")
    options = parser.parse_args()
    found = measured.load(options.json, dict(measured.made_here(), epochs=options.epochs), rounds=[])
    for number in range(options.rounds):
        if number == len(found["rounds"]):
            found["rounds"].append({})
        for name in CONTESTANTS:
            python = options.python36 if name == "2018" else sys.executable
            if python and name not in found["rounds"][number]:
                result = found["rounds"][number][name] = compete(name, python, options.epochs)
                print(f"round {number + 1}, {name}: {result['seconds']:.1f} s", flush=True)
                measured.save(options.json, found)


if __name__ == "__main__":
    main()
